package measure

import (
	"math"
	"slices"
)

// Jain returns Jain's fairness index, (Σx)² / (n·Σx²). It is 1 if all shares are equal, and 1/n if one has everything. It is NaN if there are
// no shares or all are 0.
func Jain(shares []float64) float64 {
	var sum, squares float64
	for _, x := range shares {
		sum, squares = sum+x, squares+x*x
	}
	return sum * sum / (float64(len(shares)) * squares)
}

// Farthest returns the largest difference between a share and the mean. It is NaN if there are no shares.
func Farthest(shares []float64) float64 {
	if len(shares) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, x := range shares {
		sum += x
	}
	mean, far := sum/float64(len(shares)), 0.0
	for _, x := range shares {
		far = max(far, math.Abs(x-mean))
	}
	return far
}

// Quantile returns the smallest value that at least a part q of the values does not exceed. It is NaN if there are no values.
func Quantile[V ~int64 | ~float64](values []V, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return float64(sorted[min(max(i, 0), len(sorted)-1)])
}

// Median returns the middle value, or the mean of the two in the middle. It ignores NaN. It is NaN if no value is left.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(values), math.IsNaN)))
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
