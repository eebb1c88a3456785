package upstream

import (
	"math"
	"time"
)

// Stats is the answer of GET /stats: the figures since New or the last POST /stats/reset.
type Stats struct {
	Rate    float64 `json:"rate"`     // of the shared bucket at the start, a second
	Burst   int64   `json:"burst"`    // of the shared bucket at the start, slack apart
	SlackMS float64 `json:"slack_ms"` // milliseconds

	// Allowed1s is the largest Worst1s that the shared limit allows: burst + rate·slack + rate·1 s rounded down, or
	// less if the shared window is narrower. For a limit that changes it is the largest value.
	Allowed1s int64         `json:"allowed_1s"`
	Worst1s   int64         `json:"worst_1s"` // most arrivals in any half-open second, refused ones included
	Arrivals  map[API]int64 `json:"arrivals"` // refused ones included
	HTTP429   map[API]int64 `json:"http_429"`
	Total     int64         `json:"total"`   // sum of Arrivals
	Refused   int64         `json:"refused"` // sum of HTTP429

	// BudgetUsed is the number of accepted arrivals ÷ (burst + rate × Seconds), 0 before the first arrival: the share
	// of the calls that a full bucket at the first arrival and the refill up to the last arrival allow. Idle time in
	// between lowers it. Tokens of the slack can raise it a little above 1 in a short run.
	BudgetUsed float64 `json:"budget_used"`
	Seconds    float64 `json:"seconds"` // from the first arrival to the last

	// Per100ms counts arrivals in bins of 100 ms from the first one on, for the first hour.
	Per100ms []int64 `json:"per_100ms"`

	// InputTokens and OutputTokens are the use of ended calls of Anthropic, if tokens are limited.
	InputTokens  int64 `json:"input_tokens,omitzero"`
	OutputTokens int64 `json:"output_tokens,omitzero"`

	// Strangers and StrangersRefused count the calls of strangers per API. These calls are in no other figure.
	Strangers        map[API]int64 `json:"strangers,omitempty"` // refused ones included
	StrangersRefused map[API]int64 `json:"strangers_refused,omitempty"`
}

// Stats returns a copy of the counters. It is safe for concurrent use.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.ledger
	st := Stats{
		Rate:      s.cfg.Total.Rate,
		Burst:     s.cfg.Total.Burst,
		SlackMS:   float64(s.cfg.Slack) / float64(time.Millisecond),
		Allowed1s: s.cfg.allowed1s(),
		Worst1s:   l.worst,
		Arrivals:  make(map[API]int64, apiCount),
		HTTP429:   make(map[API]int64, apiCount),
		Total:     l.total,
		Seconds:   time.Duration(l.last - l.first).Seconds(),
		Per100ms:  append([]int64{}, l.bins...), // [] in JSON, not null
	}
	for i, api := range apis() {
		st.Arrivals[api] = l.arrivals[i]
		st.HTTP429[api] = l.refused[i]
		st.Refused += l.refused[i]
	}
	st.BudgetUsed = float64(st.Total-st.Refused) / s.cfg.Total.budget(st.Seconds)
	st.InputTokens, st.OutputTokens = s.used.Input, s.used.Output
	if len(s.cfg.Strangers) > 0 {
		st.Strangers, st.StrangersRefused = make(map[API]int64, apiCount), make(map[API]int64, apiCount)
		for i, api := range apis() {
			came := s.judge.Strangers(api, time.Since(s.start))
			st.StrangersRefused[api] = came.Refused - s.before[i].Refused
			st.Strangers[api] = came.Accepted - s.before[i].Accepted + st.StrangersRefused[api]
		}
	}
	return st
}

// budget is how many calls the limit pays for in a run of so many seconds. Without a bucket, a window counts as a
// bucket that holds its count and refills it in its length.
func (l Limit) budget(seconds float64) float64 {
	if l.Rate != 0 {
		return float64(l.Burst) + l.Rate*seconds
	}
	return float64(l.Window.N) * (1 + seconds/l.Window.Per.Seconds())
}

// Arrivals returns the remembered arrivals, at most the last 524,288, oldest first. It is safe for concurrent use.
func (s *Server) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.kept()
}

// Reset zeroes the statistics. Buckets and windows keep their levels, because earlier calls still count. It is safe for
// concurrent use.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger, s.used = ledger{}, Usage{}
	for i, api := range apis() {
		s.before[i] = s.judge.Strangers(api, time.Since(s.start))
	}
}

// allowed1s is of the largest limit, where it changes.
func (c Config) allowed1s() int64 {
	allowed := c.Total.allowed1s(c.Slack)
	for _, change := range c.Schedule {
		allowed = max(allowed, change.Limit.allowed1s(c.Slack))
	}
	return allowed
}

func (l Limit) allowed1s(slack time.Duration) int64 {
	allowed := int64(math.MaxInt64)
	if l.Rate != 0 {
		allowed = (l.capacity(slack) + l.refill()*int64(time.Second)) / token
	}
	if w := l.Window; w.Fixed {
		// A second that begins just before the end of a span touches one span more.
		allowed = min(allowed, int64(w.N)*(1+ceilDiv(int64(time.Second)-1, int64(w.Per))))
	} else if w.N != 0 {
		allowed = min(allowed, int64(w.N)*ceilDiv(int64(time.Second), int64(w.Per-slack)))
	}
	return allowed
}
