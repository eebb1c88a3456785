package measure

import "time"

// Law is what every limiter is held to: in each window of length T at most Burst + Rate·(T + Slack) calls start, Rate a
// second.
type Law struct {
	Rate, Burst int64
	Slack       time.Duration
}

// Over returns by how many calls the worst window is above the law; 0 or less when none is. Starts are in order, counted
// from any moment.
//
// With v(i) = i·s − Rate·t(i), s the nanoseconds of a second, the window from the i-th start to the j-th is above the law
// by (v(j) − v(i))/s + 1 − Burst − Rate·Slack: one pass that remembers the smallest v sees every window. Whole numbers
// keep it exact, for up to nine billion starts.
func (l Law) Over(starts []time.Duration) int64 {
	if len(starts) == 0 {
		return 0
	}
	const s = int64(time.Second)
	var least, worst int64
	for j, t := range starts {
		v := int64(j)*s - l.Rate*int64(t-starts[0])
		if j == 0 || v < least {
			least = v
		}
		if j == 0 || v-least > worst {
			worst = v - least
		}
	}
	above := worst + (1-l.Burst)*s - l.Rate*int64(l.Slack)
	return ceilDiv(above, s)
}

func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

// Most returns the largest number of starts in any window of a length, the end not counted. Starts are in order.
func Most(starts []time.Duration, window time.Duration) int {
	most, from := 0, 0
	for j, t := range starts {
		for t-starts[from] >= window {
			from++
		}
		most = max(most, j-from+1)
	}
	return most
}
