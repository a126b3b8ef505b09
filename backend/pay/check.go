package pay

// A Check is one thing about a set-up that was looked at for an operator.
type Check struct {
	Merchant MerchantID // empty: it is of the whole program
	Name     string     // what was looked at, in one or two words
	Result   CheckResult
	Found    string // one line without secrets
	Todo     string // how to mend it, one line; empty if all is well
}

// A CheckResult says how bad it is.
type CheckResult string

// The results of checks.
const (
	CheckOK      CheckResult = "ok"
	CheckWarning CheckResult = "warning" // works, and should be seen to
	CheckBroken  CheckResult = "broken"
	CheckSkipped CheckResult = "skipped" // cannot be looked at before something else is mended
)
