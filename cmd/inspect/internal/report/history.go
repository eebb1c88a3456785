package report

import "time"

// kept is how long a history goes back.
const kept = time.Minute

// History is the reports of the last minute, oldest first. The zero value is ready to use; it is not safe for concurrent use.
type History struct{ reports []*Report }

// Add adds a report. One that is not later than the last, or of another namespace or memory, begins the history anew.
func (h *History) Add(r *Report) {
	if last := h.Last(); last != nil && (last.Epoch != r.Epoch || last.Namespace != r.Namespace || !r.At.After(last.At)) {
		h.reports = nil
	}
	for len(h.reports) > 0 && r.At.Sub(h.reports[0].At) > kept {
		h.reports = h.reports[1:]
	}
	h.reports = append(h.reports, r)
}

// Last is the latest report, nil where there is none.
func (h *History) Last() *Report {
	if len(h.reports) == 0 {
		return nil
	}
	return h.reports[len(h.reports)-1]
}

// Sample is a bucket between two reports.
type Sample struct {
	At          time.Time
	UsedPerS    float64 // tokens of calls that started
	RefusedPerS float64 // calls that the provider refused
	Budget      float64 // tokens a second at which calls may start
	Shut        bool    // it was paused or held
	Calls       int     // that waited
}

// Samples is a bucket over the last minute, oldest first: one for each report but the first.
func (h *History) Samples(bucket string) (out []Sample) {
	for i := 1; i < len(h.reports); i++ {
		before, now := h.reports[i-1].Find(bucket), h.reports[i].Find(bucket)
		seconds := h.reports[i].At.Sub(h.reports[i-1].At).Seconds()
		if now == nil {
			continue
		}
		s := Sample{At: h.reports[i].At, Budget: now.Rate * now.Served, Shut: now.Paused, Calls: now.Calls}
		if before != nil {
			s.UsedPerS, s.RefusedPerS = grown(before, now, seconds)
		}
		out = append(out, s)
	}
	return out
}

// grown is what the replicas that are in both reports have used and had refused, a second.
func grown(before, now *Bucket, seconds float64) (used, refused float64) {
	former := map[string]Share{}
	for _, s := range before.Shares {
		former[s.Replica] = s
	}
	for _, s := range now.Shares {
		if f, ok := former[s.Replica]; ok {
			used += float64(max(0, s.Used-f.Used))
			refused += float64(max(0, s.Refused-f.Refused))
		}
	}
	return used / seconds, refused / seconds
}
