package pay_test

import (
	"database/sql"
	"errors"
	"slices"
	"testing"
	"time"

	"saoma/backend/pay"
)

// tamper does to the books what only somebody with the file in his hands can do.
func (w *world) tamper(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", w.file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	guards := []string{"events_no_update", "events_no_delete", "roots_no_update", "roots_no_delete"}
	for _, g := range guards {
		statements = slices.Insert(statements, 0, "DROP TRIGGER IF EXISTS "+g)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestHistoryCannotBeAlteredUnseen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement string
		number    int64 // of the event that is named, 0: a day
		day       bool
	}{
		"untouched":                   {`SELECT 1`, 0, false},
		"another kind":                {`UPDATE events SET kind = 'refunded' WHERE number = 2`, 2, false},
		"another time":                {`UPDATE events SET at = at + 1 WHERE number = 1`, 1, false},
		"another detail":              {`UPDATE events SET detail = '{}' WHERE number = 3`, 3, false},
		"an event removed":            {`DELETE FROM events WHERE number = 2`, 3, false},
		"the last event removed":      {`DELETE FROM events WHERE number = 3`, 0, true},
		"all events of an order gone": {`DELETE FROM events WHERE order_id = (SELECT MIN(order_id) FROM events)`, 0, true},
		"a hash put in":               {`UPDATE events SET detail = '{}', hash = 'ab' WHERE number = 2`, 2, false},
		"a root altered":              {`UPDATE roots SET root = 'ab'`, 0, true},
		"a day's count altered":       {`UPDATE roots SET events = events + 1`, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range 2 {
				o := w.order(t)
				w.pays(t, o)
				eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
			}
			if sealed, err := w.SealDays(t.Context()); err != nil || len(sealed) != 0 {
				t.Fatalf("today was sealed: %v, %v", sealed, err)
			}
			w.forward(3 * 24 * time.Hour)
			sealed, err := w.SealDays(t.Context())
			if err != nil || len(sealed) != 3 || sealed[0].Events+sealed[1].Events != 6 {
				t.Fatalf("sealed %+v, %v; want three days with six events", sealed, err)
			}
			if again, err := w.SealDays(t.Context()); err != nil || len(again) != 0 {
				t.Fatalf("sealed again: %v, %v", again, err)
			}
			w.tamper(t, c.statement)
			events, days, err := w.Verify(t.Context())
			broken, found := errors.AsType[*pay.Break](err)
			switch {
			case c.number == 0 && !c.day:
				if err != nil || events != 6 || days != 3 {
					t.Errorf("untouched history: %d events, %d days, %v", events, days, err)
				}
			case !found, broken.Number != c.number, c.day != (broken.Day != ""):
				t.Errorf("got %v; want event %d, a day: %t", err, c.number, c.day)
			}
		})
	}
}
