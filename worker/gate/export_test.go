package gate

// Used returns how many bytes the bodies of uploads take now.
func (g *Gate) Used() int64 { return g.room.used.Load() }
