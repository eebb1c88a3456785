package measure_test

import (
	"math"
	"testing"

	"github.com/weir-go/weir/bench/measure"
)

// same reports whether two numbers are equal. It treats NaN as equal to NaN.
func same(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-12
}

func TestSpread(t *testing.T) {
	for name, c := range map[string]struct {
		shares         []float64
		jain, farthest float64
	}{
		"none":        {nil, math.NaN(), math.NaN()},
		"all are 0":   {[]float64{0, 0}, math.NaN(), 0},
		"alike":       {[]float64{3, 3, 3}, 1, 0},
		"one has all": {[]float64{0, 0, 8, 0}, 0.25, 6},
		"uneven":      {[]float64{1, 3}, 0.8, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := measure.Jain(c.shares); !same(got, c.jain) {
				t.Errorf("Jain %v, want %v", got, c.jain)
			}
			if got := measure.Farthest(c.shares); !same(got, c.farthest) {
				t.Errorf("farthest %v, want %v", got, c.farthest)
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	ten := []int64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	for _, c := range []struct {
		values []int64
		q      float64
		want   float64
	}{
		{ten, 0, 1},
		{ten, 0.5, 5},
		{ten, 0.51, 6},
		{ten, 0.99, 10},
		{ten, 1, 10},
		{[]int64{4}, 0.5, 4},
		{nil, 0.5, math.NaN()},
	} {
		if got := measure.Quantile(c.values, c.q); !same(got, c.want) {
			t.Errorf("quantile %v of %v: %v, want %v", c.q, c.values, got, c.want)
		}
	}
	if ten[0] != 10 {
		t.Error("Quantile has sorted the values of its caller")
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, math.NaN()},
		{[]float64{5}, 5},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{math.NaN(), 7, 1, math.NaN()}, 4},
	} {
		if got := measure.Median(c.values); !same(got, c.want) {
			t.Errorf("median of %v: %v, want %v", c.values, got, c.want)
		}
	}
}
