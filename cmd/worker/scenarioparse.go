package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// parseTokens parses a limit of tokens such as "30000:30000".
func parseTokens(flag, text string) (upstream.TokenLimit, error) {
	perMinute, burst, err := cutBucket(text)
	n, err2 := strconv.ParseInt(perMinute, 10, 64)
	if firstError(err, err2) != nil {
		return upstream.TokenLimit{}, fmt.Errorf("%s %q: want PER_MINUTE:BURST, such as 30000:30000", flag, text)
	}
	return upstream.TokenLimit{PerMinute: n, Burst: burst}, nil
}

// parseChange parses "30s=20:20" or "30s=100/1m".
func parseChange(text string) (c upstream.Change, err error) {
	at, limit, _ := strings.Cut(text, "=")
	c.At, err = time.ParseDuration(at)
	if err == nil {
		c.Limit, err = simulatedLimit(limit)
	}
	if err != nil {
		return c, fmt.Errorf("--change %q: want AT=RATE:BURST or AT=N/DURATION, such as 30s=20:20", text)
	}
	return c, nil
}

// parseStrangers parses "spotify=5@10s-60s" or "anthropic=1:500:200@10s-60s".
func parseStrangers(text string) (s upstream.Strangers, err error) {
	name, calls, from, to, err := parseSpan(text)
	s.API, s.From, s.To = upstream.API(name), from, to
	parts := strings.Split(calls, ":")
	if err == nil {
		s.Rate, err = strconv.ParseFloat(parts[0], 64)
	}
	if err == nil && len(parts) == 3 {
		s.Call.Input, err = strconv.ParseInt(parts[1], 10, 64)
	}
	if err == nil && len(parts) == 3 {
		s.Call.Output, err = strconv.ParseInt(parts[2], 10, 64)
		s.Call.MaxTokens = s.Call.Output
	}
	if err != nil || len(parts) != 1 && len(parts) != 3 {
		return s, fmt.Errorf("--strangers %q: want NAME=RATE@FROM-TO or NAME=RATE:INPUT:OUTPUT@FROM-TO, such as spotify=5@10s-60s", text)
	}
	return s, nil
}

// parseStretch parses "anthropic=overloaded:0.5@10s-60s". Without a share all calls fail.
func parseStretch(text string) (s upstream.Stretch, err error) {
	name, fault, from, to, err := parseSpan(text)
	fault, share, partly := strings.Cut(fault, ":")
	s = upstream.Stretch{API: upstream.API(name), From: from, To: to, Fault: upstream.Fault(fault), Share: 1}
	if err == nil && partly {
		s.Share, err = strconv.ParseFloat(share, 64)
	}
	if err != nil {
		return s, fmt.Errorf("--stretch %q: want NAME=FAULT:SHARE@FROM-TO, such as anthropic=overloaded:0.5@10s-60s", text)
	}
	return s, nil
}

// parseSpan parses "NAME=WHAT@FROM-TO". Without "-TO" the span has no end. Without "@" it has neither begin nor end.
func parseSpan(text string) (name, what string, from, to time.Duration, err error) {
	name, rest, _ := strings.Cut(text, "=")
	what, span, bounded := strings.Cut(rest, "@")
	if bounded {
		begin, end, ends := strings.Cut(span, "-")
		if from, err = time.ParseDuration(begin); err == nil && ends {
			to, err = time.ParseDuration(end)
		}
	}
	return name, what, from, to, err
}
