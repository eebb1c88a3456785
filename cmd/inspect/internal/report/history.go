package report

import "time"

// kept is how long a history goes back.
const kept = time.Minute

// History is the reports of the last minute, oldest first. The zero value is ready to use. A History is not safe for concurrent use. A copy does not
// change when reports are added to the original.
type History struct{ moments []moment }

// moment is a report, and the samples since the report before it, by bucket. They are computed once, because they are drawn often.
type moment struct {
	*Report

	samples map[string]Sample // nil for the first report
}

// Add adds a report. If the report is not later than the last one, or is of another namespace or epoch, the history begins anew with it.
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

// Last returns the latest report, nil if there is none.
func (h *History) Last() *Report {
	if len(h.moments) == 0 {
		return nil
	}
	return h.moments[len(h.moments)-1].Report
}

// Reports returns all reports, oldest first.
func (h *History) Reports() []*Report {
	out := make([]*Report, len(h.moments))
	for i, m := range h.moments {
		out[i] = m.Report
	}
	return out
}

// Sample is the use of a bucket between two reports.
type Sample struct {
	At          time.Time
	Over        time.Duration // since the report before this one
	UsedPerS    float64       // tokens of calls that started
	RefusedPerS float64       // calls that the provider refused
	Budget      float64       // tokens a second at which calls may start
	Shut        bool          // paused or held
	Calls       int           // calls that waited
}

// Samples returns the samples of a bucket over the last minute, oldest first. Each report except the first has one.
func (h *History) Samples(bucket string) (out []Sample) {
	for i := 1; i < len(h.moments); i++ {
		if s, ok := h.moments[i].samples[bucket]; ok {
			out = append(out, s)
		}
	}
	return out
}

// samples returns the use of each bucket between two reports, by name. For a bucket with several limits it uses the first limit.
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

// grown returns the tokens and the refused calls a second between two reports. It counts only replicas that are in both.
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
