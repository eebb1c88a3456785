package measure

import "time"

// Law is the rule for every limiter: in any window of length T at most Burst + Rate·(T + Slack) calls start. Rate is in calls a
// second.
type Law struct {
	Rate, Burst int64
	Slack       time.Duration
}

// Over returns by how many calls the worst window exceeds the law. It is 0 or less if no window exceeds it. The starts must be in order
// and may be counted from any moment.
//
// Let v(i) = i·s − Rate·t(i), where s is the nanoseconds of a second. The window from the i-th start to the j-th exceeds the law
// by (v(j) − v(i))/s + 1 − Burst − Rate·Slack calls. One pass that keeps the smallest v therefore covers every window. The arithmetic is in
// integers and therefore exact, for up to nine billion starts.
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

// Most returns the largest number of starts in any window of a length. A start exactly at the end of a window is not in it. The starts must be
// in order.
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
