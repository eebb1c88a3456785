package faults

import (
	"cmp"
	"slices"
)

// Rows returns all rows, sorted by number.
func Rows() []Row {
	rows := slices.Concat(plainRows(), slowRows(), networkRows(), redisRows(), refusingRows(), failoverRows(), clockRows(), wallRows(), clusterRows(), sentinelRows(), replicaRows(),
		fleetRows(), localRows(), versionRows(), testRows())
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Number, b.Number) })
	return rows
}
