package upstream

import (
	"slices"
	"sync"
	"time"
)

const (
	keptPlaylists = 1_000
	keptEntries   = 1_000_000 // of all playlists together
	maxEntries    = 10_000    // of one playlist, as at Spotify
)

// shelf holds the playlists. If there are too many, it forgets the oldest created playlists.
type shelf struct {
	mu      sync.Mutex
	lists   map[string]*playlist
	order   []string // ids of created playlists, oldest first
	entries int      // of all of them
}

// playlist is the kept part of a playlist.
type playlist struct {
	id, owner string
	created   time.Time
	version   int // a snapshot id represents it
	tracks    []string

	name, description     string
	public, collaborative bool
}

// put adds a playlist, which the shelf owns from then on.
func (sh *shelf) put(p *playlist) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.lists[p.id] = p
	sh.order = append(sh.order, p.id)
	sh.entries += len(p.tracks)
	sh.trimLocked()
}

func (sh *shelf) trimLocked() {
	for len(sh.order) > keptPlaylists || sh.entries > keptEntries {
		oldest := sh.order[0]
		sh.entries -= len(sh.lists[oldest].tracks)
		delete(sh.lists, oldest)
		sh.order = sh.order[1:]
	}
}

// part returns a playlist with only the tracks of one page, and how many tracks it has in all; ok is false if no
// playlist has the id.
func (sh *shelf) part(id string, pg page) (p playlist, total int, ok bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	found := sh.lists[id]
	if found == nil {
		return playlist{}, 0, false
	}
	total = len(found.tracks)
	from := min(pg.offset, total)
	p = *found
	p.tracks = slices.Clone(found.tracks[from:min(from+pg.limit, total)])
	return p, total, true
}

// newest returns a page of the created playlists without their tracks, the newest first, how many tracks each has, and
// how many there are.
func (sh *shelf) newest(pg page) (lists []playlist, totals []int, all int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	all = len(sh.order)
	for i := pg.offset; i < min(all, pg.offset+pg.limit); i++ {
		p := *sh.lists[sh.order[all-1-i]]
		totals = append(totals, len(p.tracks))
		p.tracks = nil
		lists = append(lists, p)
	}
	return lists, totals, all
}

// public reports whether there is a public playlist.
func (sh *shelf) public(id string) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.lists[id]
	return p != nil && p.public
}

// insert adds tracks at a position, negative for the end, and returns the new version; problem is "" on success.
func (sh *shelf) insert(id string, at int, tracks []string) (version int, problem string) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.lists[id]
	if p == nil {
		return 0, problemUnknown
	}
	if at < 0 {
		at = len(p.tracks)
	}
	if at > len(p.tracks) {
		return 0, "Index out of bounds"
	}
	if len(p.tracks)+len(tracks) > maxEntries {
		return 0, "Playlist size limit reached"
	}
	p.tracks = slices.Insert(p.tracks, at, tracks...)
	p.version++
	sh.entries += len(tracks)
	sh.trimLocked()
	return p.version, ""
}
