package wechatsim

import (
	"strings"
	"testing"
	"time"
)

func TestBillFaults(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	s.pay(s.prepay("ORDER0002"))
	clock.advance(time.Minute)
	s.refund("ORDER0001", "R1", 640).want(200, "")
	s.refund("ORDER0002", "R2", 640).want(200, "")
	clock.nextDay(10)
	const all = tradeBill + "bill_date=2026-01-02"
	const success, refund = all + "&bill_type=SUCCESS", all + "&bill_type=REFUND"
	const flow = flowBill + "bill_date=2026-01-02"
	set := func(f BillFaults) { s.sim.SetFaults(Faults{BillFile: f}) }

	set(BillFaults{Creating: 2})
	s.send("GET", all, "").want(400, "STATEMENT_CREATING")
	s.send("GET", flow, "").want(400, "STATEMENT_CREATING")
	whole, _ := s.rows(all)

	set(BillFaults{WrongHash: 2})
	for _, target := range []string{all, flow} {
		o := s.bill(target)
		if _, hash := s.download(o); hash == o.hash {
			t.Errorf("%s: the hash is right", target)
		}
	}
	set(BillFaults{ExpiredURL: 2})
	for _, target := range []string{all, flow} {
		s.send("GET", s.bill(target).target, "").want(400, "INVALID_REQUEST")
	}
	set(BillFaults{OldLayout: 2})
	for target, want := range map[string]string{all: "总金额,企业红包金额", flow: "收支金额（元）"} {
		o := s.bill(target)
		if file, hash := s.download(o); hash != o.hash || !strings.Contains(file, want) {
			t.Errorf("%s: SHA-1 %s, file %s", target, hash, file)
		}
	}
	set(BillFaults{ShortSummary: 1})
	s.rows(all) // has always 7 fields
	if _, summary := s.rows(success); strings.Join(summary, " ") != "2 25.60 0.26000 25.60" {
		t.Errorf("summary %v", summary)
	}
	set(BillFaults{MissingRow: 1, OtherAmount: 1, UnknownRow: 1})
	s.rows(flow) // not for this bill
	rows, summary := s.rows(all)
	if len(rows) != 4 || rows[0][6] != "ORDER0002" || rows[0][12] != "12.81" || rows[0][24] != "12.81" ||
		strings.Join(rows[1], ",") != strings.Join(whole[2], ",") || !strings.HasPrefix(rows[3][6], "UNKNOWN") ||
		rows[3][24] != "1.00" || rows[3][9] != "SUCCESS" || summary[0] != "4" || summary[5] != "13.81" {
		t.Errorf("rows %v, summary %v", rows, summary)
	}
	set(BillFaults{OtherAmount: 1, UnknownRow: 1})
	rows, _ = s.rows(refund)
	if len(rows) != 3 || rows[0][27] != "6.41" || rows[0][18] != "6.41" || rows[1][27] != "6.40" ||
		!strings.HasPrefix(rows[2][17], "UNKNOWN") || rows[2][27] != "1.00" || rows[2][9] != "REFUND" {
		t.Errorf("refunds %v", rows)
	}
	if s.sim.Faults() != (Faults{}) {
		t.Errorf("left %+v", s.sim.Faults())
	}
}

// A row may be missing though it was the only one, and an unknown one may be alone.
func TestBillFaultsOnASmallDay(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	clock.nextDay(10)
	s.sim.SetFaults(Faults{BillFile: BillFaults{MissingRow: 1}})
	if rows, summary := s.rows(tradeBill + "bill_date=2026-01-02"); len(rows) != 0 || summary[0] != "0" {
		t.Errorf("rows %v, summary %v", rows, summary)
	}
	s.sim.SetFaults(Faults{BillFile: BillFaults{UnknownRow: 1}})
	if rows, _ := s.rows(tradeBill + "bill_date=2026-01-01"); len(rows) != 1 || rows[0][0] != "2026-01-01 12:00:00" {
		t.Errorf("rows %v", rows)
	}
}

func TestBillCallFaults(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	clock.nextDay(10)
	o := s.bill(tradeBill + "bill_date=2026-01-02")
	s.sim.SetFaults(Faults{Bill: CallFaults{ErrorBefore: 1, TooMany: 1},
		Download: CallFaults{BadGateway: 1, ErrorAfter: 1}})
	s.send("GET", tradeBill+"bill_date=2026-01-02", "").want(429, "FREQUENCY_LIMITED")
	s.send("GET", flowBill+"bill_date=2026-01-02", "").want(500, "SYSTEM_ERROR")
	s.send("GET", o.target, "").want(502, "SERVICE_UNAVAILABLE")
	s.send("GET", o.target, "").want(500, "SYSTEM_ERROR")
	s.download(o)
}
