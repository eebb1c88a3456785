package check

import (
	"fmt"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// Redis returns advice on the settings of a server that put the budget at risk, one sentence for each. A setting that the server does not report gets
// no advice. known is false if the server reports no settings at all.
func Redis(r *report.Report) (advice []string, known bool) {
	s := r.Server
	if s.Version == nil {
		return nil, false
	}
	if s.Policy != nil && s.MaxMemory != nil && *s.MaxMemory > 0 && *s.Policy != "noeviction" {
		advice = append(advice, fmt.Sprintf("maxmemory-policy is %s: Redis may evict the budget; set noeviction", *s.Policy))
	}
	if s.EvictedKeys != nil && *s.EvictedKeys > 0 {
		advice = append(advice, fmt.Sprintf("%d keys were evicted: give Redis more memory", *s.EvictedKeys))
	}
	if s.AOF != nil && !*s.AOF {
		advice = append(advice, "no append-only file: after a restart buckets begin empty, and the levels of slow limits are collected from replicas; set appendonly yes")
	}
	if s.Replicas != nil && *s.Replicas > 0 && s.GoodEnough == nil {
		advice = append(advice, "min-replicas-to-write is not set: a master that is cut off from its replicas continues to grant calls; set it to 1, with min-replicas-max-lag")
	}
	if s.Role != nil && *s.Role != "master" {
		advice = append(advice, fmt.Sprintf("this Redis is a %s: its data may be late", *s.Role))
	}
	return advice, true
}
