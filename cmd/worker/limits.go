package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// Flags of replicas and of the simulator write limits as windows ("40/1s") or as buckets ("10:5"). The callers of these functions name the accepted
// forms in their errors.

// parseWindow parses a window such as "40/1s".
func parseWindow(text string) (n int64, per time.Duration, err error) {
	count, length, _ := strings.Cut(text, "/")
	if n, err = strconv.ParseInt(count, 10, 64); err != nil {
		return 0, 0, err
	}
	per, err = time.ParseDuration(length)
	return n, per, err
}

// cutBucket parses a bucket such as "10:5", except its rate, which the caller parses.
func cutBucket(text string) (rate string, burst int64, err error) {
	rate, after, _ := strings.Cut(text, ":")
	burst, err = strconv.ParseInt(after, 10, 64)
	return rate, burst, err
}

// simulatedLimit parses "40/1s" or "10:5" for the simulator.
func simulatedLimit(text string) (l upstream.Limit, err error) {
	if strings.Contains(text, "/") {
		n, per, err := parseWindow(text)
		return upstream.Limit{Window: upstream.Window{N: int(n), Per: per}}, err
	}
	perSecond, burst, err := cutBucket(text)
	if err != nil {
		return l, err
	}
	l.Burst = burst
	l.Rate, err = strconv.ParseFloat(perSecond, 64)
	return l, err
}
