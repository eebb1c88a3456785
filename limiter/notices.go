package limiter

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/weir-go/weir/lua"
)

// dispute is what some replicas want of a disputed bucket.
type dispute struct {
	bucket   string
	limits   []bound
	replicas []string // some of them; none if the others only remember it
}

func disputeOf(d lua.Dispute) dispute {
	out := dispute{bucket: d.Bucket, replicas: d.Replicas}
	slices.Sort(out.replicas)
	for _, l := range d.Limits {
		out.limits = append(out.limits, boundOf(l))
	}
	narrowestFirst(out.limits)
	return out
}

// String returns the limits, and the replicas that want them.
func (d dispute) String() string {
	limits := make([]string, len(d.limits))
	for i, b := range d.limits {
		limits[i] = b.limit.String()
	}
	who := strings.Join(d.replicas, ", ")
	if who == "" {
		who = "a replica that is gone"
	}
	return strings.Join(limits, " and ") + " (" + who + ")"
}

// byDispute returns the disputed buckets, each with its limits as a text that does not depend on the replicas, and with
// the text to log.
func byDispute(disputed []dispute) (limits map[string]string, texts map[string][]string) {
	limits, texts = map[string]string{}, map[string][]string{}
	disputed = slices.Clone(disputed)
	slices.SortStableFunc(disputed, func(a, b dispute) int {
		return slices.CompareFunc(a.limits, b.limits, func(a, b bound) int {
			return cmp.Or(cmp.Compare(a.limit.Rate(), b.limit.Rate()), cmp.Compare(a.limit.Burst, b.limit.Burst))
		})
	})
	for _, d := range disputed {
		of := d
		of.replicas = nil
		limits[d.bucket] += of.String()
		texts[d.bucket] = append(texts[d.bucket], d.String())
	}
	return limits, texts
}

// log logs what an operator should know about a new configuration.
func (l *Limiter) log(ctx context.Context, was, is configuration) {
	log := l.s.Logger.With("namespace", l.s.Namespace)
	switch {
	case is.former != 0 && is.former != lua.Version:
		log.WarnContext(ctx, "the namespace had records of an older version: they are lost, every bucket begins empty, and replicas of that version are refused",
			"version", is.former, "now", lua.Version)
	case is.began == lua.BeganNamespace:
		log.InfoContext(ctx, "the namespace is new: every limit begins as configured")
	case is.began == lua.BeganEpoch:
		log.WarnContext(ctx, "redis has forgotten the namespace: every bucket begins empty, slow limits for some seconds", "replicas_before", was.live)
	}
	if is.stepped != 0 {
		log.WarnContext(ctx, "the clock of redis has stepped: forward it gives one burst, back the limits stand still for a second",
			"by", is.stepped.Round(time.Millisecond).String())
	}
	if len(is.recovered) > 0 {
		log.WarnContext(ctx, "limits that redis had forgotten continue where they were: what dead replicas took is not counted",
			"buckets", strings.Join(is.recovered, " "), "replicas", is.live, "replicas_before", l.liveBefore.Load())
	}
	if is.began != lua.BeganEpoch && is.collects == 0 {
		l.liveBefore.Store(int64(is.live))
	}
	before, _ := byDispute(was.disputed)
	now, texts := byDispute(is.disputed)
	for _, bucket := range sorted(now) {
		if before[bucket] != now[bucket] {
			log.WarnContext(ctx, "replicas disagree about the limits of a bucket: the smallest rate and the smallest burst are in force",
				"bucket", bucket, "wanted", strings.Join(texts[bucket], "; "))
		}
	}
	for _, bucket := range sorted(before) {
		if now[bucket] == "" {
			log.InfoContext(ctx, "replicas agree about the limits of a bucket again", "bucket", bucket)
		}
	}
	for _, bucket := range sorted(is.set) {
		if !was.set[bucket] {
			log.InfoContext(ctx, "the limits of a bucket were changed for the whole fleet", "bucket", bucket)
		}
	}
}
