package upstream

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// statusOverloaded is Anthropic's own status for overload, which is independent of a quota.
const statusOverloaded = 529

func (s *Server) routeAnthropic() {
	p := &provider{api: Anthropic, above: 3, header: s.anthropicHeader, fault: func(c *call, status int) answer {
		switch status {
		case http.StatusTooManyRequests:
			return s.rateLimited(c)
		case http.StatusRequestEntityTooLarge:
			return anthropicError(c, status, "request_too_large", "Request exceeds the maximum size")
		case statusOverloaded:
			return anthropicError(c, status, "overloaded_error", "Overloaded")
		}
		return anthropicError(c, status, "api_error", "Internal server error")
	}}
	if s.cfg.Tokens.limited() {
		p.tokens = func(c *call) func(uint64) Call {
			c.question = s.question(c)
			return func(arrival uint64) Call { return c.question.draw(s, arrival) }
		}
	}
	s.handle("POST /v1/messages", p, s.message)
}

// rateLimited is the answer to a refused call. A call that lacks tokens under Bedrock's rule gets Bedrock's answer.
func (s *Server) rateLimited(c *call) answer {
	message := "This request would exceed your account's rate limit. Please try again later."
	for _, l := range s.cfg.Tokens.named() {
		switch {
		case l.name != c.verdict.By:
		case s.cfg.Tokens.Charge == ChargeHeld:
			return answer{status: http.StatusTooManyRequests, body: object{"message": "Too many tokens, please wait before trying again."}}
		default:
			message = fmt.Sprintf("This request would exceed your organization's rate limit of %d %s per minute.",
				l.limit.PerMinute, strings.ReplaceAll(l.name, "-", " "))
		}
	}
	return anthropicError(c, http.StatusTooManyRequests, "rate_limit_error", message)
}

func (s *Server) anthropicHeader(c *call, h http.Header) {
	h.Set("Request-Id", c.id)
	refused := c.verdict.RetryAfter
	if refused == 0 || !s.cfg.callsOnly() {
		return
	}
	// Anthropic states its limits per minute.
	rate := s.cfg.Total.Rate
	if own := s.cfg.PerAPI[Anthropic].Rate; own != 0 {
		rate = min(rate, own)
	}
	h.Set("Anthropic-Ratelimit-Requests-Limit", strconv.FormatInt(int64(math.Round(rate*60)), 10))
	h.Set("Anthropic-Ratelimit-Requests-Remaining", "0")
	h.Set("Anthropic-Ratelimit-Requests-Reset", time.Now().Add(refused).UTC().Format(time.RFC3339))
}

// callsOnly reports whether only constant buckets of calls refuse calls, and no dialect was chosen.
func (c Config) callsOnly() bool {
	return len(c.Headers)+len(c.Schedule)+len(c.Stretches)+len(c.RetryAfter) == 0 && !c.Tokens.limited() && c.Total.Rate != 0
}

func anthropicError(c *call, status int, kind, message string) answer {
	return answer{status: status, body: object{
		"type":       "error",
		"error":      object{"type": kind, "message": message},
		"request_id": c.id,
	}}
}

// message answers POST /v1/messages.
func (s *Server) message(c *call) answer {
	if c.Header.Get("X-Api-Key") == "" {
		return anthropicError(c, http.StatusUnauthorized, "authentication_error", "x-api-key header is required")
	}
	if c.Header.Get("Anthropic-Version") == "" {
		return anthropicError(c, http.StatusBadRequest, "invalid_request_error", "anthropic-version: header is required")
	}
	q := c.question
	if q == nil {
		q = s.question(c)
		q.draw(s, c.number)
	}
	if q.wrong != "" {
		return anthropicError(c, http.StatusBadRequest, "invalid_request_error", q.wrong)
	}
	if !s.cfg.serves(q.Model) {
		return anthropicError(c, http.StatusNotFound, "not_found_error", "model: "+q.Model)
	}
	text, stop := q.answer()
	c.used = Usage{Input: q.input, Output: q.cost.Output}
	id := "msg_01" + base62(c.dice, 22)
	if q.Stream {
		return answer{status: http.StatusOK, stream: &stream{
			id: id, model: q.Model, text: text, stop: stop, input: q.input, cacheRead: q.cost.CacheRead, output: q.cost.Output, request: c.id,
		}}
	}
	return answer{status: http.StatusOK, body: object{
		"id":            id,
		"type":          "message",
		"role":          "assistant",
		"model":         q.Model,
		"content":       []object{{"type": "text", "text": text}},
		"stop_reason":   stop,
		"stop_sequence": nil,
		"usage":         usageOf(q.input, q.cost.CacheRead, q.cost.Output),
	}}
}
