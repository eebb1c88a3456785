package gate

// Used is how many bytes the bodies of uploads take at this moment.
func (g *Gate) Used() int64 { return g.room.used.Load() }
