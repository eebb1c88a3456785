package report

import "time"

// kept is how long a history goes back.
const kept = time.Minute

// History is the reports of the last minute, oldest first. The zero value is ready to use; it is not safe for concurrent use. A copy shows what
// was there when it was made, whatever is added to the original since.
type History struct{ moments []moment }

// moment is a report, and the samples between the report before and this one, by bucket. They are computed once, as they are drawn often.
type moment struct {
	*Report

	samples map[string]Sample // nil for the first
}

// Add adds a report. One that is not later than the last, or of another namespace or memory, begins the history anew.
func (h *History) Add(r *Report) {
	last := h.Last()
	if last != nil && (last.Epoch != r.Epoch || last.Namespace != r.Namespace || !r.At.After(last.At)) {
		h.moments, last = nil, nil
	}
	for len(h.moments) > 0 && r.At.Sub(h.moments[0].At) > kept {
		h.moments = h.moments[1:]
	}
	m := moment{Report: r}
	if len(h.moments) > 0 {
		m.samples = samples(last, r)
	}
	h.moments = append(h.moments, m)
}

// Last is the latest report, nil where there is none.
func (h *History) Last() *Report {
	if len(h.moments) == 0 {
		return nil
	}
	return h.moments[len(h.moments)-1].Report
}

// Reports is all of them, oldest first.
func (h *History) Reports() []*Report {
	out := make([]*Report, len(h.moments))
	for i, m := range h.moments {
		out[i] = m.Report
	}
	return out
}

// Sample is a bucket between two reports.
type Sample struct {
	At          time.Time
	Over        time.Duration // since the report before
	UsedPerS    float64       // tokens of calls that started
	RefusedPerS float64       // calls that the provider refused
	Budget      float64       // tokens a second at which calls may start
	Shut        bool          // it was paused or held
	Calls       int           // that waited
}

// Samples is a bucket over the last minute, oldest first: one for each report but the first.
func (h *History) Samples(bucket string) (out []Sample) {
	for i := 1; i < len(h.moments); i++ {
		if s, ok := h.moments[i].samples[bucket]; ok {
			out = append(out, s)
		}
	}
	return out
}

// samples are the buckets of a report since the report before, by name. Of a bucket with several limits the first counts.
func samples(before, now *Report) map[string]Sample {
	over := now.At.Sub(before.At)
	out := make(map[string]Sample, len(now.Buckets))
	for i := range now.Buckets {
		b := &now.Buckets[i]
		if _, ok := out[b.Name]; ok {
			continue
		}
		s := Sample{At: now.At, Over: over, Budget: b.Rate * b.Served, Shut: b.Paused, Calls: b.Calls}
		if former := before.Find(b.Name); former != nil {
			s.UsedPerS, s.RefusedPerS = grown(former, b, over.Seconds())
		}
		out[b.Name] = s
	}
	return out
}

// grown is what the replicas that are in both reports have used and had refused, a second.
func grown(before, now *Bucket, seconds float64) (used, refused float64) {
	former := make(map[string]Share, len(before.Shares))
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
