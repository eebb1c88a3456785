package upstream

import "time"

// Ledger is the ledger alone, for more arrivals than a test can send.
type Ledger struct{ l ledger }

const KeptArrivals = keptArrivals

func (l *Ledger) Add(at time.Duration) { l.l.add(int64(at), 0, false) }
func (l *Ledger) Worst() int64         { return l.l.worst }
func (l *Ledger) Kept() []Arrival      { return l.l.kept() }
func (l *Ledger) Bins() []int64        { return l.l.bins }

// Shelf is the playlists alone, for more of them than a test can send.
type Shelf struct{ s *shelf }

func NewShelf() Shelf { return Shelf{&shelf{lists: make(map[string]*playlist)}} }

func (s Shelf) Put(id string) { s.s.put(&playlist{id: id}) }

func (s Shelf) Insert(id string, n int) bool {
	_, problem := s.s.insert(id, -1, make([]string, n))
	return problem == ""
}

func (s Shelf) Has(id string) bool {
	_, _, ok := s.s.part(id, page{limit: 1})
	return ok
}
