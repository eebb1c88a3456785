package adapt_test

// part returns, of the calls due from a to b, the served ones and the sent ones, in calls a second, and the share of refusals.
func part(out []fate, a, b float64) (served, sent, refused float64) {
	n, ok := 0.0, 0.0
	for _, f := range out {
		if a <= f.due && f.due < b {
			n++
			if f.ok {
				ok++
			}
		}
	}
	return ok / (b - a), n / (b - a), 1 - ok/max(1, n)
}

// used measures the calls served from a to b, as a share of a rate.
func used(a, b, rate float64, mean, each bar) measure {
	return measure{"used", false, func(out []fate) float64 { x, _, _ := part(out, a, b); return x / rate }, mean, each}
}

func served(name string, a, b float64, mean, each bar) measure {
	return measure{name, false, func(out []fate) float64 { x, _, _ := part(out, a, b); return x }, mean, each}
}

func refused(name string, a, b float64, mean, each bar) measure {
	return measure{name, true, func(out []fate) float64 { _, _, x := part(out, a, b); return 100 * x }, mean, each}
}

func sent(name string, most bool, a, b float64, mean, each bar) measure {
	return measure{name, most, func(out []fate) float64 { _, x, _ := part(out, a, b); return x }, mean, each}
}

// best measures the calls served in the best second from a to b.
func best(name string, a, b int, mean, each bar) measure {
	return measure{name, false, func(out []fate) float64 {
		x := 0.0
		for t := a; t < b; t++ {
			s, _, _ := part(out, float64(t), float64(t+1))
			x = max(x, s)
		}
		return x
	}, mean, each}
}

func always(x float64) func(float64) float64 { return func(float64) float64 { return x } }

// between returns a function that is x from a to b, and y at other times.
func between(a, b, x, y float64) func(float64) float64 {
	return func(t float64) float64 {
		if a <= t && t < b {
			return x
		}
		return y
	}
}
