package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-go/weir/integration/faults"
)

// leftOut are the rows with a fleet that are not played, and why.
func leftOut() map[int]string {
	return map[int]string{
		44: "The row damages each field of the state that weir keeps in Redis. No other limiter has these fields.",
		45: "The row has the provider ask to wait for an hour. The other limiters have nothing that a provider's request to wait could change.",
		56: "The row has two versions of weir in one fleet. Every other limiter is played in one version.",
	}
}

// fleetRows are the rows that are played: those with a fleet, without what is left out.
func fleetRows() []faults.Row {
	out := leftOut()
	return slices.DeleteFunc(faults.Rows(), func(r faults.Row) bool { return r.Play == nil || out[r.Number] != "" })
}

// chooseRows are the rows of the numbers, separated by commas; all where there is none.
func chooseRows(numbers string) ([]faults.Row, error) {
	rows := fleetRows()
	if numbers == "" {
		return rows, nil
	}
	wanted := map[int]bool{}
	for word := range strings.SplitSeq(numbers, ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("--rows: %q is no number", word)
		}
		if why := leftOut()[n]; why != "" {
			return nil, fmt.Errorf("--rows: row %d is left out. %s", n, why)
		}
		if !slices.ContainsFunc(rows, func(r faults.Row) bool { return r.Number == n }) {
			return nil, fmt.Errorf("--rows: no row with a fleet has the number %d", n)
		}
		wanted[n] = true
	}
	return slices.DeleteFunc(rows, func(r faults.Row) bool { return !wanted[r.Number] }), nil
}

// chooseLimiters are the limiters of the names, separated by commas; all where there is none.
func chooseLimiters(names string) ([]contestant, error) {
	all := contestants()
	if names == "" {
		return all, nil
	}
	var chosen []contestant
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(c contestant) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("--limiters: %q is none of weir, redis_rate, ulule, x/time/rate", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// crowded reports whether the tasks of a row are so many that a limiter that polls takes the whole machine. Such a row is played alone.
func crowded(r faults.Row) bool { return cmp.Or(r.Config.Replicas, 4)*r.Config.Tasks >= 500 }
