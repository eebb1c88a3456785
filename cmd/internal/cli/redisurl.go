package cli

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// The forms of REDIS_URL. No error quotes the URL or an error of the library: both may contain a password.
const (
	oneForm      = "redis://[user:password@]host:port[/db], rediss:// for TLS, or unix:///path"
	clusterForm  = "redis+cluster://[user:password@]host:port,host:port, or rediss+cluster:// for TLS"
	sentinelForm = "redis+sentinel://[user:password@]host:port,host:port/master[/db], or rediss+sentinel:// for TLS"
)

// listParameters are the parameters that a URL of a cluster or of Sentinels may have. The client library has more. Some of them read from Redis
// replicas, which may lag.
var listParameters = []string{"client_name", "conn_max_idle_time", "conn_max_lifetime", "min_idle_conns", "pool_size", "pool_timeout", "protocol"} //nolint:gochecknoglobals // fixed

// ParseRedis parses the URL of a Redis: redis://, rediss:// and unix:// for one server, redis+cluster:// and rediss+cluster:// for a cluster,
// redis+sentinel:// and rediss+sentinel:// for the master that Sentinels name. Errors are errors of usage. They name REDIS_URL and show no part of
// the URL.
func ParseRedis(text string) (*Redis, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	base, kind, _ := strings.Cut(scheme, "+")
	if skipsVerifying(rest) {
		return nil, Usagef("REDIS_URL has skip_verify, which is refused: without verification any server could pose as Redis")
	}
	known := base == "redis" || base == "rediss"
	switch {
	case known && kind == "cluster":
		return parseCluster(base, rest)
	case known && kind == "sentinel":
		return parseSentinel(base, rest)
	}
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, Usagef("REDIS_URL cannot be parsed: want %s; %s; %s", oneForm, clusterForm, sentinelForm)
	}
	return &Redis{one: o}, nil
}

// skipsVerifying reports whether the URL has the parameter with which the library would accept any certificate.
func skipsVerifying(rest string) bool {
	_, parameters, _ := strings.Cut(rest, "?")
	query, _ := url.ParseQuery(parameters) // ParseRedis refuses parameters that cannot be parsed
	return query.Has("skip_verify")
}

func parseCluster(base, rest string) (*Redis, error) {
	l, wrong := parseList(base, rest)
	if wrong == "" && len(l.path) > 0 {
		wrong = "a cluster has no databases: remove the text after the addresses"
	}
	if wrong != "" {
		return nil, Usagef("REDIS_URL: %s: want %s", wrong, clusterForm)
	}
	o, err := redis.ParseClusterURL(l.url.String())
	if err != nil {
		return nil, Usagef("REDIS_URL: a parameter has a wrong value: want %s", clusterForm)
	}
	o.Addrs = l.addrs
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = "" // the client verifies each node by its own address
	}
	return &Redis{cluster: o}, nil
}

func parseSentinel(base, rest string) (*Redis, error) {
	l, wrong := parseList(base, rest)
	db := 0
	switch {
	case wrong != "":
	case len(l.path) == 0:
		wrong = "the name of the master is missing"
	case len(l.path) > 2:
		wrong = "the text after the addresses has more than a name and a database"
	case len(l.path) == 2:
		n, err := strconv.ParseUint(l.path[1], 10, 31)
		if err != nil {
			wrong = "the database is not a number"
		}
		db = int(n)
	}
	if wrong != "" {
		return nil, Usagef("REDIS_URL: %s: want %s", wrong, sentinelForm)
	}
	o, err := redis.ParseFailoverURL(l.url.String())
	if err != nil {
		return nil, Usagef("REDIS_URL: a parameter has a wrong value: want %s", sentinelForm)
	}
	o.SentinelAddrs, o.MasterName, o.DB = l.addrs, l.path[0], db
	// The user and the password are for the servers. The library would use them for the Sentinels only.
	o.Username, o.Password, o.SentinelUsername, o.SentinelPassword = o.SentinelUsername, o.SentinelPassword, "", ""
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = ""
	}
	return &Redis{sentinel: o}, nil
}

// list is a URL with several addresses.
type list struct {
	addrs []string
	path  []string
	url   *url.URL // with the first address and without the path
}

// parseList parses the part of a URL after "://". wrong describes the mistake without quoting the URL. It is "" if there is none.
func parseList(base, rest string) (l list, wrong string) {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, after := rest[:end], rest[end:]
	if strings.ContainsAny(after, "@#") { // part of a password would count as an address
		return l, "a user or a password with one of / ? # @ needs %2F, %3F, %23 or %40 in its place"
	}
	at := strings.LastIndex(authority, "@")
	l.addrs = strings.Split(authority[at+1:], ",")
	for _, addr := range l.addrs {
		host, port, err := net.SplitHostPort(addr)
		if n, notNumber := strconv.ParseUint(port, 10, 16); err != nil || notNumber != nil || n == 0 || host == "" {
			return l, "an address is not host:port"
		}
	}
	var err error
	if l.url, err = url.Parse(base + "://" + authority[:at+1] + l.addrs[0] + after); err != nil {
		return l, "it cannot be parsed"
	}
	l.path = strings.FieldsFunc(l.url.Path, func(r rune) bool { return r == '/' })
	l.url.Path, l.url.RawPath = "", ""
	query, err := url.ParseQuery(l.url.RawQuery)
	if err != nil {
		return l, "its parameters cannot be parsed"
	}
	for name := range query {
		if !slices.Contains(listParameters, name) {
			return l, "parameters may be " + strings.Join(listParameters, ", ")
		}
	}
	return l, ""
}
