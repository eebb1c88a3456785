package faults

import (
	"cmp"
	"slices"
)

// Rows are all rows, by their numbers.
func Rows() []Row {
	rows := slices.Concat(plainRows(), slowRows(), networkRows(), redisRows(), refusingRows(), failoverRows(), clockRows(), wallRows(), clusterRows(), sentinelRows(), replicaRows(),
		fleetRows(), localRows(), versionRows(), testRows())
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Number, b.Number) })
	return rows
}
