package limiter

import (
	"sync"
	"time"
)

// often is when the log was told of what may happen with each call.
type often struct {
	mu sync.Mutex
	at map[string]time.Time
}

// due reports whether the log is to be told again: once a minute.
func (o *often) due(what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if last, ok := o.at[what]; ok && now.Sub(last) < time.Minute {
		return false
	}
	if o.at == nil {
		o.at = map[string]time.Time{}
	}
	o.at[what] = now
	return true
}
