package fleet_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
	"github.com/weir-go/weir/worker/fleet"
)

// record returns the record of replica i, with ten busy routes.
func record(t *testing.T, i int) (id string, text []byte) {
	t.Helper()
	id = fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
	turn := int64(120)
	r := limiter.Record{Version: limiter.RecordVersion, ID: id, Host: "some-host-of-a-fleet", EveryMS: 2000, Buckets: map[string]limiter.BucketRecord{}, Wants: map[string]string{}}
	for k := range 10 {
		bucket := fmt.Sprint("bucket-", k)
		r.Routes = append(r.Routes, limiter.RouteRecord{Route: fmt.Sprint("route-", k), Buckets: []string{bucket, "global"}, Waiting: 1000, OldestMS: 12_345, TurnMS: &turn, Reserved: 10})
		r.Buckets[bucket] = limiter.BucketRecord{Used: 123_456, UsedS: 3.94}
		r.Wants[bucket] = "40 per 1s, burst 40"
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return id, text
}

// micros returns how many microseconds Redis has spent in commands of a name, and how many of them it has run. Both are
// from INFO.
func micros(t *testing.T, rdb *redis.Client, name string) (us, calls float64) {
	t.Helper()
	text, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "cmdstat_"+name+":calls=")
		if !ok {
			continue
		}
		parts := strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == '=' })
		calls, _ = strconv.ParseFloat(parts[0], 64)
		us, _ = strconv.ParseFloat(parts[2], 64)
	}
	return us, calls
}

// TestCostOnRedis prints the costs of records on a real Redis: of publishing one, of a thousand replicas that publish,
// and of reading a thousand records.
func TestCostOnRedis(t *testing.T) {
	rdb := limitertest.Server(t)
	const replicas = 1000
	ids, texts, size := make([]string, replicas), make([][]byte, replicas), 0
	for i := range replicas {
		ids[i], texts[i] = record(t, i)
		size += len(texts[i])
	}
	each := func(name string, publish func(id string, text []byte) error) float64 {
		if err := rdb.ConfigResetStat(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			if err := publish(id, texts[i]); err != nil {
				t.Fatal(err)
			}
		}
		us, calls := micros(t, rdb, name)
		if calls != replicas {
			t.Errorf("%.0f %s for %d records", calls, name, replicas)
		}
		return us / calls
	}
	announce := func(id string, text []byte) error {
		_, err := lua.Heartbeat(t.Context(), rdb, "weir", id, text, limiter.RecordKept, limiter.RecordKept)
		return err
	}
	each("evalsha", announce) // the first announcement of a replica costs more
	announced := each("evalsha", announce)
	published := each("set", func(id string, text []byte) error {
		return lua.Publish(t.Context(), rdb, "weir", id, text, limiter.RecordKept)
	})
	perSecond := (announced + 4*published) / 10 // a replica publishes every 2 s, and every fifth time it announces itself
	t.Logf("a record of %d bytes takes %.1f µs of Redis, with an announcement %.1f µs; a thousand replicas that publish every %v take %.2f %% of a core",
		size/replicas, published, announced, limiter.DefaultPublish, perSecond*replicas/1e6*100)
	begun := time.Now()
	f, err := fleet.Read(t.Context(), rdb, "weir")
	if err != nil || len(f.Replicas) != replicas {
		t.Fatal(err)
	}
	mget, _ := micros(t, rdb, "mget")
	t.Logf("reading all records takes %v, of which %.1f ms in Redis, and %.1f MB", time.Since(begun).Round(time.Millisecond), mget/1000, float64(size)/1e6)
	if size > 5_000_000 {
		t.Errorf("%d bytes", size)
	}
}
