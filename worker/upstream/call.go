package upstream

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// maxBody bounds what is read of a request, in bytes.
const maxBody = 1 << 20

// answer is a response that has not been sent yet.
type answer struct {
	status int
	body   any     // marshalled to JSON
	stream *stream // instead of a body
}

func (a answer) write(w http.ResponseWriter) { writeJSON(w, a.status, a.body) }

// call is one arrival on its way through a handler.
type call struct {
	*http.Request
	body []byte     // read whole
	dice *rand.Rand // this arrival's own, of the seed and its number
	id   string     // the request id that Anthropic puts on everything

	at      time.Time // of the verdict
	verdict Verdict
	left    []State // at the verdict, where headers state it
	grant   grant   // of Spotify's token
	tokens  Call    // what the judge has been told, zero where tokens are not limited
	used    Usage   // what the answer uses, none where the call fails

	number   uint64    // of the arrival at its API
	question *question // to Anthropic, nil until the body is read for it
}

// provider is what the three have apart from their answers.
type provider struct {
	api API
	// above is how many fifths of the latency range lie below the two in which this API answers, 0 to 3.
	above float64
	// fault words an error that is not the request's content: 413, 429, 500, 503, or 529.
	fault func(c *call, status int) answer
	// header adds what the provider puts on every response. Nil: nothing.
	header func(c *call, h http.Header)
	// tokens reads from the body what the judge is to know, and returns what it draws for the arrival of a number. It is
	// nil where tokens are not limited: then the body is read after the verdict.
	tokens func(c *call) func(number uint64) Call
}

// handle serves a pattern as arrivals of p. Only the mux, which has to find out whose arrival it is, comes before
// the stamp, and the body where tokens are limited.
func (s *Server) handle(pattern string, p *provider, respond func(*call) answer) {
	all := apis()
	index := slices.Index(all[:], p.api)
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r}
		var unread error
		var tokens func(uint64) Call
		if p.tokens != nil {
			unread = c.read(w)
			tokens = p.tokens(c)
		}
		s.arrive(p, index, c, tokens)
		c.id = "req_" + base62(c.dice, 24)
		if p.header != nil {
			p.header(c, w.Header())
		}
		s.cfg.writeHeaders(w.Header(), p.api, c.at, c.left, c.verdict)
		if !c.verdict.OK {
			p.fault(c, http.StatusTooManyRequests).write(w)
			return
		}

		// The order of the draws is part of what a seed means: wait, then error, then contents.
		wait, trouble := s.latency(c.dice, p), s.trouble(c.dice, p)
		// Read even if it is not needed: net/http notices a client that hangs up only once the body is at its end.
		if p.tokens == nil {
			unread = c.read(w)
		}
		var a answer
		_, tooLarge := errors.AsType[*http.MaxBytesError](unread)
		switch {
		case tooLarge:
			a = p.fault(c, http.StatusRequestEntityTooLarge)
		case unread != nil:
			wait, a = 0, p.fault(c, http.StatusServiceUnavailable)
		case c.verdict.Fault != "":
			a = faulty(p, c, respond)
		case trouble != 0:
			a = p.fault(c, trouble)
		default:
			a = respond(c)
		}
		s.finish(r.Context(), w, p, c, a, wait)
	})
}

// finish answers a call after its wait, and charges it what it has used.
func (s *Server) finish(ctx context.Context, w http.ResponseWriter, p *provider, c *call, a answer, wait time.Duration) {
	end := func() {
		if p.tokens != nil {
			s.end(p.api, c)
		}
	}
	switch {
	case a.stream != nil:
		begun := a.stream.play(ctx, w, wait, func(sent float64) {
			c.used.Output = int64(float64(c.used.Output) * sent)
			end()
		})
		if begun {
			return
		}
	case sleep(ctx, wait):
		end()
		a.write(w)
		return
	}
	// Mostly nobody reads this. But if it was the server that ended the request, silence would be an empty 200.
	c.cutShort(time.Since(c.at), wait)
	end()
	p.fault(c, http.StatusServiceUnavailable).write(w)
}

// read reads the whole body.
func (c *call) read(w http.ResponseWriter) (err error) {
	c.body, err = io.ReadAll(http.MaxBytesReader(w, c.Body, maxBody))
	return err
}
