package upstream

import (
	"strconv"
	"time"
)

// arrive stamps and judges an arrival.
func (s *Server) arrive(p *provider, index int, c *call, tokens func(number uint64) Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.at = time.Now() // under the lock, else a later stamp could be judged first
	now := c.at.Sub(s.start)
	s.number[index]++
	c.number = s.number[index]
	c.dice = s.seeded("arrival", string(p.api), strconv.FormatUint(c.number, 10))
	if tokens != nil {
		c.tokens = tokens(c.number)
	}
	c.verdict = s.judge.Arrive(p.api, now, c.tokens)
	s.ledger.add(int64(now), index, !c.verdict.OK)
	if len(s.cfg.Headers) > 0 {
		c.left = s.judge.Remaining(p.api, now)
	}
}

// end charges a call for its use.
func (s *Server) end(api API, c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge.End(api, time.Since(s.start), c.tokens, c.used)
	s.used.Input += c.used.Input
	s.used.Output += c.used.Output
}

// cutShort returns the part of the output that was sent within a part of the wait. Output is sent evenly.
func (c *call) cutShort(after, wait time.Duration) {
	if wait <= 0 {
		c.used.Output = 0
		return
	}
	c.used.Output = int64(float64(c.used.Output) * min(1, float64(after)/float64(wait)))
}
