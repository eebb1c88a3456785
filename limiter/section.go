package limiter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

const (
	// maxSections bounds what one replica publishes.
	maxSections = 8 << 10 // bytes
	// sectionsLive is how long the sections of a replica are there after it published them last.
	sectionsLive = 30 * time.Second
)

// sections are what others publish with a replica's presence.
type sections struct {
	mu sync.Mutex
	of map[string]func() any
}

// Section has the limiter publish what a function returns, as JSON under a name, whenever it says that its replica lives: every 10 s.
// [ReadSections] reads it. The function is called by a goroutine of the limiter, one call at a time, and must be quick. A nil function
// ends the section. All sections of a replica may have 8 KiB of JSON; while they have more the log says so and nothing is published.
// Buckets in memory publish nothing. Section is safe for concurrent use.
func (l *Limiter) Section(name string, value func() any) error {
	if err := ValidateName("section", name); err != nil {
		return err
	}
	l.mu.RLock()
	closed := l.closed
	l.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	s := &l.sections
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == nil {
		delete(s.of, name)
		return nil
	}
	if s.of == nil {
		s.of = map[string]func() any{}
	}
	s.of[name] = value
	return nil
}

// any reports whether there are sections.
func (s *sections) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.of) > 0
}

// publish writes the sections, if there are any.
func (l *Limiter) publish(ctx context.Context) error {
	l.sections.mu.Lock()
	of := maps.Clone(l.sections.of)
	l.sections.mu.Unlock()
	if len(of) == 0 || l.publisher == nil {
		return nil
	}
	values := make(map[string]any, len(of))
	for name, value := range of {
		values[name] = value()
	}
	text, err := json.Marshal(values)
	if err == nil && len(text) > maxSections {
		err = fmt.Errorf("%d bytes: want %d or fewer", len(text), maxSections)
	}
	if err != nil {
		l.s.Logger.WarnContext(ctx, "the sections of this replica cannot be published", "namespace", l.s.Namespace, "error", err)
		return nil
	}
	return l.publisher.publish(ctx, text)
}

// publisher is a store that others can read.
type publisher interface {
	// publish writes a text, or removes it where there is none.
	publish(ctx context.Context, text []byte) error
}

func (s *redisStore) publish(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	key := s.keys.Sections(s.replica)
	var err error
	if text == nil {
		err = s.rdb.Del(ctx, key).Err()
	} else {
		err = s.rdb.Set(ctx, key, text, sectionsLive).Err()
	}
	if err != nil {
		return s.refuses.failed(ctx, err, true)
	}
	return nil
}

// ReadSections reads what the live replicas of a namespace publish, by replica and by section: a ZRANGE, and one GET
// for each replica in one pipeline. Errors wrap [ErrUnavailable].
func ReadSections(ctx context.Context, rdb redis.UniversalClient, namespace string) (map[string]map[string]json.RawMessage, error) {
	keys := lua.Keys(namespace)
	unavailable := func(err error) error {
		return fmt.Errorf("%w: reading sections of %s: %w", ErrUnavailable, namespace, err)
	}
	names, err := rdb.ZRange(ctx, keys.Live(), 0, -1).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	for i, name := range names {
		_, names[i], _ = strings.Cut(name, " ") // behind its session
	}
	texts := make([]*redis.StringCmd, len(names))
	_, _ = rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each command has an error of its own
		for i, name := range names {
			texts[i] = p.Get(ctx, keys.Sections(name))
		}
		return nil
	})
	out := map[string]map[string]json.RawMessage{}
	for i, name := range names {
		if err := texts[i].Err(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, unavailable(err)
		}
		var of map[string]json.RawMessage
		if json.Unmarshal([]byte(texts[i].Val()), &of) == nil {
			out[name] = of
		}
	}
	return out, nil
}
