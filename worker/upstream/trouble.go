package upstream

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// latency draws a wait from the API's part of the range.
func (s *Server) latency(dice *rand.Rand, p *provider) time.Duration {
	span := float64(s.cfg.Latency.Max - s.cfg.Latency.Min)
	return s.cfg.Latency.Min + time.Duration(span*(p.above+2*dice.Float64())/5)
}

// trouble draws the status of an injected error, 0 for none.
func (s *Server) trouble(dice *rand.Rand, p *provider) int {
	at, unavailable := dice.Float64(), dice.IntN(2) == 1
	switch {
	case at < s.cfg.Failures && unavailable:
		return http.StatusServiceUnavailable
	case at < s.cfg.Failures:
		return http.StatusInternalServerError
	case p.api == Anthropic && at < s.cfg.Failures+s.cfg.Overloaded:
		return statusOverloaded
	}
	return 0
}

// sleep reports whether it slept for all of d; it is cut short when ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// faulty returns the answer to a call that a stretch makes fail.
func faulty(p *provider, c *call, respond func(*call) answer) answer {
	switch c.verdict.Fault {
	case Overloaded:
		return p.fault(c, statusOverloaded)
	case Error29:
		a := p.fault(c, http.StatusTooManyRequests)
		a.status = http.StatusOK
		return a
	case Suspended:
		return answer{status: http.StatusForbidden, body: lastfmBody(26, "API Key Suspended - This application is not allowed to make requests to the web services")}
	case Spent:
		return anthropicError(c, http.StatusBadRequest, "invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.")
	case Lost:
		respond(c)
		return p.fault(c, http.StatusBadGateway)
	case Midway, Cut:
		a := respond(c)
		if a.stream == nil { // wrong, or asked for in one piece
			c.used = Usage{}
			return p.fault(c, statusOverloaded)
		}
		a.stream.breaks = c.verdict.Fault
		return a
	}
	return p.fault(c, http.StatusServiceUnavailable)
}
