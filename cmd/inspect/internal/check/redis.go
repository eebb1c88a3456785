package check

import (
	"fmt"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// Redis is what a server should have that keeps budgets, and does not: one sentence each. What the server does not tell is not judged; known says
// whether it tells anything.
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
