package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// A merchant with a million orders gets the first page of any list at once: nothing is scanned or sorted.
func TestListsOfOrdersUseAnIndex(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	since := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for want, f := range map[string]pay.OrderFilter{
		"orders_created (merchant=?)":                                                 {},
		"orders_created (merchant=? AND (created_at,id)<(?,?))":                       {Before: "ord_9"},
		"orders_by_state_and_time (merchant=? AND state=?)":                           {State: pay.Pending},
		"orders_by_state_and_time (merchant=? AND state=? AND (created_at,id)<(?,?))": {State: pay.Pending, Before: "ord_9"},
		"orders_created (merchant=? AND created_at>? AND (created_at,id)<(?,?))":      {State: pay.Pending, CreatedAfter: since, Before: "ord_9"},
		"orders_by_reference (merchant=? AND reference=?)":                            {Reference: "r"},
		"orders_by_reference (merchant=? AND reference=? AND id<?)":                   {Reference: "r", State: pay.Paid, Before: "ord_9"},
		"orders_created (merchant=? AND created_at>?)":                                {CreatedAfter: since},
	} {
		f.Merchant, f.Limit = "cafe", 20
		steps, err := s.PlanOrders(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(steps, "; ")
		if !strings.Contains(plan, want) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%+v: %s; want %s", f, plan, want)
		}
	}
}

// Looking for what is due costs the same however many orders are open: the index is asked for a merchant's first row, never
// walked through.
func TestDueIsLookedUp(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	steps, err := s.PlanDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if strings.Contains(step, "SCAN") && step != "SCAN paying" && step != "SCAN refunding" {
			t.Errorf("%s, in\n%s", step, strings.Join(steps, "\n"))
		}
	}
}

// checkPlans looks at how SQLite did all that a test has asked of it.
func checkPlans(t *testing.T, s *store.Store) {
	t.Helper()
	plans, err := s.Plans(context.Background())
	if err != nil {
		t.Error(err)
	}
	for text, steps := range plans {
		for _, step := range steps {
			if growing(step, text) {
				t.Errorf("%s\n\tin %s\n\tof %s", step, strings.Join(steps, "; "), text)
			}
		}
	}
}

// growing reports whether a step of a plan goes through more rows the longer a shop sells, or the longer it cannot be reached.
func growing(step, text string) bool {
	if !strings.Contains(text, "WHERE") || strings.HasPrefix(text, "SELECT (SELECT COUNT(*) FROM orders)") {
		return false // it wants everything, as who copies the books does
	}
	switch step {
	case "SCAN CONSTANT ROW", "SCAN paying", "SCAN refunding":
		return false
	case "SCAN reconciliations", "SCAN staff_tries", "SCAN staff_sessions":
		return !strings.HasPrefix(text, "DELETE ") // some rows of each day, looked through once in a while
	}
	// All that wait are counted, and scheduled when somebody has a shop's webhooks sent again.
	all := strings.HasPrefix(text, "SELECT COUNT(*)") || strings.Contains(text, "state = 'waiting' AND next_at = 0")
	return strings.HasPrefix(step, "SCAN ") || strings.Contains(step, "deliveries_waiting") && !all
}
