package limiter

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// patient returns a client that waits for a reply for as long as a call may take, if the given one gives up sooner and
// obeys contexts. Otherwise it returns the given one. A client that gives up before Redis answers would never get a
// reply.
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

// client returns the client for a call: the patient one if the last answer took more than half of the other one's
// timeout.
func (s *redisStore) client() redis.UniversalClient {
	if s.outage == nil || s.patient == s.rdb {
		return s.rdb
	}
	if c, ok := s.rdb.(*redis.Client); ok && s.outage.usual.latest() > c.Options().ReadTimeout/2 {
		return s.patient
	}
	return s.rdb
}
