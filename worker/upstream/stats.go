package upstream

import "time"

// Stats is what GET /stats answers: everything since New or the last POST /stats/reset.
type Stats struct {
	Rate    float64 `json:"rate"`     // of the shared bucket, a second
	Burst   int64   `json:"burst"`    // of the shared bucket, slack apart
	SlackMS float64 `json:"slack_ms"` // milliseconds

	// Allowed1s is the largest Worst1s that the shared limit lets pass: burst + rate·slack + rate·1 s rounded down,
	// or less where the shared window is narrower.
	Allowed1s int64         `json:"allowed_1s"`
	Worst1s   int64         `json:"worst_1s"` // most arrivals in any half-open second, refused ones included
	Arrivals  map[API]int64 `json:"arrivals"` // refused ones included
	HTTP429   map[API]int64 `json:"http_429"`
	Total     int64         `json:"total"`   // sum of Arrivals
	Refused   int64         `json:"refused"` // sum of HTTP429

	// BudgetUsed is the number of accepted arrivals ÷ (burst + rate × Seconds), 0 before the first one: the share of
	// what a full bucket at the first arrival and the refill up to the last would have paid for. Idle time in between
	// counts against it; tokens of the slack can carry a short run a little above 1.
	BudgetUsed float64 `json:"budget_used"`
	Seconds    float64 `json:"seconds"` // from the first arrival to the last

	// Per100ms counts arrivals in bins of 100 ms from the first one on, for the first hour.
	Per100ms []int64 `json:"per_100ms"`
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
	st.BudgetUsed = float64(st.Total-st.Refused) / (float64(st.Burst) + st.Rate*st.Seconds)
	return st
}

// Arrivals returns the remembered arrivals, at most the last 524,288, oldest first. It is safe for concurrent use.
func (s *Server) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.kept()
}

// Reset zeroes the statistics. Buckets and windows keep their levels, since what was accepted before still counts.
// It is safe for concurrent use.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger = ledger{}
}

func (c Config) allowed1s() int64 {
	allowed := (c.Total.capacity(c.Slack) + c.Total.refill()*int64(time.Second)) / token
	if w := c.Total.Window; w.N != 0 {
		spans := ceilDiv(int64(time.Second), int64(w.Per-c.Slack))
		allowed = min(allowed, int64(w.N)*spans)
	}
	return allowed
}
