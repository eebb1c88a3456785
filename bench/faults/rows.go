package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-go/weir/integration/faults"
)

// leftOut returns the numbers of the rows with a fleet that are not played, and the reasons.
func leftOut() map[int]string {
	return map[int]string{
		44: "The row damages each field of the state that weir keeps in Redis. No other limiter has these fields.",
		45: "In this row the provider asks to wait for an hour. The other limiters have no way to report such a request.",
		56: "In this row two versions of weir are in one fleet. Every other limiter is played in one version.",
	}
}

// fleetRows returns the rows that are played: all rows with a fleet, except those of leftOut.
func fleetRows() []faults.Row {
	out := leftOut()
	return slices.DeleteFunc(faults.Rows(), func(r faults.Row) bool { return r.Play == nil || out[r.Number] != "" })
}

// chooseRows returns the rows with the numbers, which are separated by commas. It returns all rows if numbers is empty.
func chooseRows(numbers string) ([]faults.Row, error) {
	rows := fleetRows()
	if numbers == "" {
		return rows, nil
	}
	wanted := map[int]bool{}
	for word := range strings.SplitSeq(numbers, ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("--rows: %q is not a number", word)
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

// chooseLimiters returns the limiters with the names, which are separated by commas. It returns all limiters if names is empty.
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

// playedAlone reports whether a row has so many tasks that a limiter that polls needs the whole machine. Such a row is played alone.
func playedAlone(r faults.Row) bool { return cmp.Or(r.Config.Replicas, 4)*r.Config.Tasks >= 500 }
