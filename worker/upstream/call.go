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

// maxBody bounds the body of a request, in bytes.
const maxBody = 1 << 20

// answer is a response that has not been sent yet.
type answer struct {
	status int
	body   any     // marshalled to JSON
	stream *stream // instead of a body
}

func (a answer) write(w http.ResponseWriter) { writeJSON(w, a.status, a.body) }

// call is one arrival in a handler.
type call struct {
	*http.Request
	body []byte     // read whole
	dice *rand.Rand // of this arrival, from the seed and the arrival's number
	id   string     // the request id of Anthropic's answers

	at      time.Time // of the verdict
	verdict Verdict
	left    []State // at the verdict, if headers state it
	grant   grant   // of Spotify's token
	tokens  Call    // the judged call, zero if tokens are not limited
	used    Usage   // what the answer uses, none if the call fails

	number   uint64    // of the arrival at its API
	question *question // to Anthropic, nil until the body is read for it
}

// provider holds the differences between the three providers, except their answers.
type provider struct {
	api API
	// above is how many fifths of the latency range lie below the two in which this API answers, 0 to 3.
	above float64
	// fault returns an error that is independent of the request's content: 413, 429, 500, 503, or 529.
	fault func(c *call, status int) answer
	// header adds the headers that the provider sends with every response. Nil: none.
	header func(c *call, h http.Header)
	// tokens reads from the body what the judge needs, and returns a function that draws the call for the number of its
	// arrival. It is nil if tokens are not limited: then the body is read after the verdict.
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

		// The order of the draws is fixed, so that a seed gives the same run: wait, then error, then contents.
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

// finish answers a call after its wait, and charges it for its use.
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
	// Usually the client has left. But if the server has ended the request, no answer would be an empty 200.
	c.cutShort(time.Since(c.at), wait)
	end()
	p.fault(c, http.StatusServiceUnavailable).write(w)
}

// read reads the whole body.
func (c *call) read(w http.ResponseWriter) (err error) {
	c.body, err = io.ReadAll(http.MaxBytesReader(w, c.Body, maxBody))
	return err
}
