package limiter

// Model is the bucket on paper, for the walk beside the script.
type Model = bucket

// The steps of the model.
var (
	NewModel = newBucket
	Due      = due
)

// Enter, Charge and Level are the model's verbs.
func (b *bucket) Enter(now int64, l Limit) { b.enter(now, l) }

// Charge takes cost tokens at a due time.
func (b *bucket) Charge(due, cost int64) { b.charge(due, cost) }

// Full is the level as the script stores it.
func (b *bucket) Full() (us, rem int64) { return b.full.us, b.full.rem }

// Normal is the limit in lowest terms.
func Normal(l Limit) (Limit, error) { return l.normal() }
