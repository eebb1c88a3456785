package limiter

import (
	"maps"
	"sync"
	"time"
)

// often notes when each line that could follow from every call was last logged.
type often struct {
	mu    sync.Mutex
	at    map[string]time.Time
	swept time.Time // when old entries were last removed
}

// due reports whether to log again: once a minute.
func (o *often) due(what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if last, ok := o.at[what]; ok && now.Sub(last) < time.Minute {
		return false
	}
	if now.Sub(o.swept) >= time.Minute { // tenants come and go
		maps.DeleteFunc(o.at, func(_ string, last time.Time) bool { return now.Sub(last) >= time.Minute })
		o.swept = now
	}
	if o.at == nil {
		o.at = map[string]time.Time{}
	}
	o.at[what] = now
	return true
}
