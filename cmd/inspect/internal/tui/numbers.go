package tui

import (
	"cmp"
	"strconv"
)

// short returns a number in at most seven columns.
func short(x float64) string {
	switch {
	case x >= 1e15:
		return "huge"
	case x >= 1e9:
		return strconv.FormatFloat(x/1e9, 'f', 0, 64) + "G"
	case x >= 1e7:
		return strconv.FormatFloat(x/1e6, 'f', 0, 64) + "M"
	case x >= 1e4:
		return strconv.FormatFloat(x/1e3, 'f', 0, 64) + "k"
	case x >= 100:
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// rate returns a rate, "-" if it is unknown.
func rate(x *float64) string {
	if x == nil {
		return "-"
	}
	return short(*x)
}

// count returns a number, "-" if it is unknown.
func count[T int | int64](n *T) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(int64(*n), 10)
}

// largest orders numbers that may be unknown: the largest first, the unknown last.
func largest[T int | int64 | float64](a, b *T) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(*b, *a)
}
