package pay_test

import (
	"testing"

	"pgregory.net/rapid"

	"saoma/backend/pay"
)

// allowed is the table of the design once more, written by hand: a careless edit of the code's table fails.
var allowed = []struct {
	from pay.State
	on   pay.Kind
	to   pay.State
}{
	{pay.Created, pay.Prepaid, pay.Pending},
	{pay.Created, pay.Succeeded, pay.Paid},
	{pay.Created, pay.TimedOut, pay.Expired},
	{pay.Created, pay.CalledOff, pay.Cancelled},
	{pay.Created, pay.Replaced, pay.Created},
	{pay.Pending, pay.Replaced, pay.Created},
	{pay.Pending, pay.Succeeded, pay.Paid},
	{pay.Pending, pay.TimedOut, pay.Expired},
	{pay.Pending, pay.CalledOff, pay.Cancelled},
	{pay.Expired, pay.Renewed, pay.Pending},
	{pay.Expired, pay.Succeeded, pay.Paid},
	{pay.Cancelled, pay.Succeeded, pay.Paid},
	{pay.Paid, pay.Succeeded, pay.Paid},
	{pay.Paid, pay.PartReturned, pay.Paid},
	{pay.Paid, pay.Returned, pay.Refunded},
	{pay.Refunded, pay.Succeeded, pay.Refunded},
}

func TestEveryStateWithEveryKind(t *testing.T) {
	t.Parallel()
	type pair struct {
		from pay.State
		on   pay.Kind
	}
	want := make(map[pair]pay.State)
	for _, row := range allowed {
		want[pair{row.from, row.on}] = row.to
	}
	for _, from := range pay.States() {
		for _, on := range pay.Kinds() {
			got, err := from.On(on)
			to, ok := want[pair{from, on}]
			switch {
			case ok && (err != nil || got != to):
				t.Errorf("%s on %s: got %s, %v; want %s", from, on, got, err, to)
			case !ok && err == nil:
				t.Errorf("%s on %s: got %s; want a refusal", from, on, got)
			case !ok && pay.CodeOf(err) != pay.Conflict:
				t.Errorf("%s on %s: refused with %v; want code %s", from, on, err, pay.Conflict)
			case !ok && got != from:
				t.Errorf("%s on %s: refused, yet moved to %s", from, on, got)
			}
		}
	}
}

// Whatever happens in whatever order: money that was taken is never forgotten.
func TestMoneyIsNeverForgotten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		state, paid := pay.Created, false
		for _, k := range rapid.SliceOf(rapid.SampledFrom(pay.Kinds())).Draw(t, "kinds") {
			next, err := state.On(k)
			if err != nil {
				if k == pay.Succeeded {
					t.Fatalf("money was refused in state %s", state)
				}
				continue
			}
			state, paid = next, paid || k == pay.Succeeded
			if settled := state == pay.Paid || state == pay.Refunded; settled != paid {
				t.Fatalf("state %s after %s, though paid is %t", state, k, paid)
			}
		}
	})
}
