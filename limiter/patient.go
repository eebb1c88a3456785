package limiter

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// patient is a client that waits for a reply for as long as a call may take, where the given one gives up sooner and heeds contexts. Otherwise it
// is the given one. A client that gives up sooner than Redis answers would hear nothing, ever.
func patient(rdb redis.UniversalClient, most time.Duration) redis.UniversalClient {
	c, ok := rdb.(*redis.Client)
	if !ok {
		return rdb
	}
	if o := c.Options(); !o.ContextTimeoutEnabled || o.ReadTimeout <= 0 || o.ReadTimeout >= most {
		return rdb
	}
	return c.WithTimeout(most)
}

// client is the client for a call: the patient one where the last answer took more than half of the time that the other one waits.
func (s *redisStore) client() redis.UniversalClient {
	if s.outage == nil || s.patient == s.rdb {
		return s.rdb
	}
	if c, ok := s.rdb.(*redis.Client); ok && s.outage.usual.latest() > c.Options().ReadTimeout/2 {
		return s.patient
	}
	return s.rdb
}
