package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// parseWindow reads "40/1s".
func parseWindow(text string) (upstream.Window, error) {
	n, per, ok := strings.Cut(text, "/")
	count, err := strconv.Atoi(n)
	length, err2 := time.ParseDuration(per)
	if !ok || err != nil || err2 != nil {
		return upstream.Window{}, fmt.Errorf("--window %q: want N/DURATION, such as 40/1s", text)
	}
	return upstream.Window{N: count, Per: length}, nil
}

// parseAPI reads "spotify=10:5".
func parseAPI(text string) (upstream.API, upstream.Limit, error) {
	name, limit, _ := strings.Cut(text, "=")
	r, b, ok := strings.Cut(limit, ":")
	rate, err := strconv.ParseFloat(r, 64)
	burst, err2 := strconv.ParseInt(b, 10, 64)
	if !ok || err != nil || err2 != nil {
		return "", upstream.Limit{}, fmt.Errorf("--api %q: want NAME=RATE:BURST, such as spotify=10:5", text)
	}
	return upstream.API(name), upstream.Limit{Rate: rate, Burst: burst}, nil
}
