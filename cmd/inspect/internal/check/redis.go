package check

import (
	"fmt"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// Redis advises on the settings of a server that may cost a budget, one sentence for each. Settings that the server does not report get no advice;
// known is false where it reports none at all.
func Redis(r *report.Report) (advice []string, known bool) {
	s := r.Server
	if s.Version == nil {
		return nil, false
	}
	if s.Policy != nil && s.MaxMemory != nil && *s.MaxMemory > 0 && *s.Policy != "noeviction" {
		advice = append(advice, fmt.Sprintf("maxmemory-policy is %s: Redis may evict a budget; set noeviction", *s.Policy))
	}
	if s.EvictedKeys != nil && *s.EvictedKeys > 0 {
		advice = append(advice, fmt.Sprintf("%d keys were evicted: give Redis more memory", *s.EvictedKeys))
	}
	if s.AOF != nil && !*s.AOF {
		advice = append(advice, "no append-only file: after a restart budgets begin empty and slow limits are collected from replicas; set appendonly yes")
	}
	if s.Replicas != nil && *s.Replicas > 0 && s.GoodEnough == nil {
		advice = append(advice, "min-replicas-to-write is not set: a master that is cut off from its replicas goes on granting; set it to 1, with min-replicas-max-lag")
	}
	if s.Role != nil && *s.Role != "master" {
		advice = append(advice, fmt.Sprintf("this Redis is a %s: what it shows may be late", *s.Role))
	}
	return advice, true
}
