package upstream

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxBody bounds what is read of a request, in bytes.
const maxBody = 1 << 20

// answer is a response that has not been sent yet.
type answer struct {
	status int
	body   any // marshalled to JSON
}

func (a answer) write(w http.ResponseWriter) { writeJSON(w, a.status, a.body) }

// call is one arrival on its way through a handler.
type call struct {
	*http.Request
	body []byte     // read whole
	dice *rand.Rand // this arrival's own, of the seed and its number
	id   string     // the request id that Anthropic puts on everything
}

// provider is what the three have apart from their answers.
type provider struct {
	api API
	// above is how many fifths of the latency range lie below the two in which this API answers, 0 to 3.
	above float64
	// fault words an error that is not the request's content: 413, 429, 500, 503, or 529.
	fault func(c *call, status int) answer
	// header adds what the provider puts on every response; refused is 0 where the arrival was accepted. Nil: nothing.
	header func(c *call, h http.Header, refused time.Duration)
}

// handle serves a pattern as arrivals of p. Only the mux, which has to find out whose arrival it is, comes before
// the stamp.
func (s *Server) handle(pattern string, p *provider, respond func(*call) answer) {
	all := apis()
	index := slices.Index(all[:], p.api)
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		number, refused := s.arrive(p.api, index)
		c := &call{Request: r, dice: s.seeded("arrival", string(p.api), strconv.FormatUint(number, 10))}
		c.id = "req_" + base62(c.dice, 24)
		if p.header != nil {
			p.header(c, w.Header(), refused)
		}
		if refused > 0 {
			w.Header().Set("Retry-After", strconv.FormatInt(ceilDiv(int64(refused), int64(time.Second)), 10))
			p.fault(c, http.StatusTooManyRequests).write(w)
			return
		}

		// The order of the draws is part of what a seed means: wait, then error, then contents.
		wait, trouble := s.latency(c.dice, p), s.trouble(c.dice, p)
		// Read even if it is not needed: net/http notices a client that hangs up only once the body is at its end.
		var a answer
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		_, tooLarge := errors.AsType[*http.MaxBytesError](err)
		switch {
		case tooLarge:
			a = p.fault(c, http.StatusRequestEntityTooLarge)
		case err != nil:
			wait, a = 0, p.fault(c, http.StatusServiceUnavailable)
		case trouble != 0:
			a = p.fault(c, trouble)
		default:
			c.body = body
			a = respond(c)
		}
		if !sleep(r.Context(), wait) {
			// Mostly nobody reads this. But if it was the server that ended the request, silence would be an empty 200.
			a = p.fault(c, http.StatusServiceUnavailable)
		}
		a.write(w)
	})
}

// arrive stamps and judges an arrival; it returns its number and, where it is refused, for how long.
func (s *Server) arrive(api API, index int) (number uint64, refused time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := int64(time.Since(s.start)) // under the lock, or a later stamp could be judged first
	refused = s.judge.arrive(api, now)
	s.ledger.add(now, index, refused > 0)
	s.number[index]++
	return s.number[index], refused
}

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
