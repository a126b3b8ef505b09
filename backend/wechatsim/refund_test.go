package wechatsim

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

// wantRefund fails unless a query says that a refund has this status.
func (s *shop) wantRefund(number, status string) {
	s.t.Helper()
	if got := s.queryRefund(number)["status"]; got != status {
		s.t.Fatalf("refund %s is %v, want %s", number, got, status)
	}
}

func TestRefundTurnsTheOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	code := s.prepay("ORDER0001")
	s.pay(code)
	paid := s.query("ORDER0001")
	s.refund("ORDER0001", "R1", 1).want(200, "") // one fen, and still PROCESSING
	paid["trade_state"], paid["trade_state_desc"] = "REFUND", "转入退款"
	if got := s.query("ORDER0001"); !reflect.DeepEqual(got, paid) {
		t.Errorf("query answers %v, want %v", got, paid)
	}
	id := "/v3/pay/transactions/id/" + paid["transaction_id"].(string) + "?mchid=" + s.merchant.MchID
	if got := fields(t, s.send("GET", id, "").want(200, "").body); !reflect.DeepEqual(got, paid) {
		t.Errorf("query by id answers %v, want %v", got, paid)
	}
	wantUnpayable(t, s, code, "", ErrAlreadyPaid)
	s.close("ORDER0001").want(403, "TRADE_ERROR")
	s.send("POST", nativePath, s.order("ORDER0001", "")).want(400, "ORDERPAID")
	trade := s.sim.Trades()[0]
	if trade.State != StateRefunded || len(trade.Refunds) != 1 || trade.Refunds[0].OutRefundNo != "R1" {
		t.Errorf("trade %+v", trade)
	}
}

func TestRefundTakesItsTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		edit func(*Options)
		want time.Duration
	}{
		{func(*Options) {}, 2 * time.Second},
		{func(o *Options) { o.Speed = 1000 }, 2 * time.Millisecond},
		{func(o *Options) { o.RefundTime = 72 * time.Hour }, 72 * time.Hour},
		{func(o *Options) { o.RefundTime, o.Speed = time.Hour, 60 }, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t, c.edit)
			s.pay(s.prepay("ORDER0001"))
			s.refund("ORDER0001", "R1", 80).want(200, "")
			time.Sleep(c.want - time.Nanosecond)
			s.wantRefund("R1", "PROCESSING")
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			s.wantRefund("R1", "SUCCESS")
			if got := s.sim.Refunds()[0].EndedAt; !got.Equal(time.Now()) {
				t.Errorf("ended at %v", got)
			}
		})
	}
	if _, err := New(Options{RefundTime: -1}); err == nil {
		t.Error("a negative refund time is taken")
	}
}

func TestRefundEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set     RefundFaults
		status  string
		event   string
		summary string
		balance int64 // change by the refund
	}{
		{RefundFaults{}, "SUCCESS", "REFUND.SUCCESS", "退款成功", -640 + 6},
		{RefundFaults{Abnormal: 1}, "ABNORMAL", "REFUND.ABNORMAL", "退款异常", -640 + 6},
		{RefundFaults{Closed: 1}, "CLOSED", "REFUND.CLOSED", "退款关闭", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t)
			s.pay(s.prepay("ORDER0001"))
			synctest.Wait()
			before := s.sim.Balance()
			s.sim.SetFaults(Faults{RefundOutcome: c.set})
			accepted := s.refundFields(s.refund("ORDER0001", "R1", 640))
			time.Sleep(time.Minute)
			synctest.Wait()
			s.wantRefund("R1", c.status)
			if got := s.queryRefund("R1")["success_time"]; (got != nil) != (c.status == "SUCCESS") {
				t.Errorf("%s: success_time %v", c.status, got)
			}
			s.wantState("ORDER0001", "REFUND") // for ever, also when the money stayed
			if got := s.sim.Balance() - before; got != c.balance {
				t.Errorf("%s changed the balance by %d, want %d", c.status, got, c.balance)
			}
			wantRefundCallback(t, s, accepted, c.event, c.status, c.summary)
		})
	}
}

// wantRefundCallback holds the last callback against what the API answered.
func wantRefundCallback(t *testing.T, s *shop, accepted map[string]any, event, status, summary string) {
	t.Helper()
	sends := s.inbox.all()
	last := sends[len(sends)-1]
	s.now = func() time.Time { return last.at }
	outer, inner, err := s.open(last)
	if err != nil || len(sends) != 2 || last.url != "https://shop.example/refunds" {
		t.Fatalf("%d callbacks, the last to %s: %v", len(sends), last.url, err)
	}
	if outer["event_type"] != event || outer["resource_type"] != "encrypt-resource" || outer["summary"] != summary ||
		outer["resource"].(map[string]any)["original_type"] != "refund" ||
		outer["resource"].(map[string]any)["associated_data"] != "refund" {
		t.Errorf("envelope %v", outer)
	}
	want := map[string]any{"mchid": s.merchant.MchID, "out_trade_no": "ORDER0001", "out_refund_no": "R1",
		"transaction_id": accepted["transaction_id"], "refund_id": accepted["refund_id"], "refund_status": status,
		"user_received_account": "支付用户零钱", "amount": map[string]any{"total": 1280.0, "refund": 640.0,
			"payer_total": 1280.0, "payer_refund": 640.0}}
	if status == "SUCCESS" {
		want["success_time"] = outer["create_time"]
	}
	if !reflect.DeepEqual(inner, want) {
		t.Errorf("callback says %v, want %v", inner, want)
	}
	if got := s.sim.Refunds()[0].Callbacks; len(got) != 1 || got[0].Status != 204 {
		t.Errorf("recorded %+v", got)
	}
	if got := s.sim.Trades()[0]; len(got.Callbacks) != 1 || len(got.Refunds[0].Callbacks) != 1 {
		t.Errorf("the order has %+v", got)
	}
}

func TestClosedRefundMayBeRefundedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.pay(s.prepay("ORDER0001"))
		s.sim.SetFaults(Faults{RefundOutcome: RefundFaults{Closed: 1, Abnormal: 0}})
		s.refund("ORDER0001", "R1", 1280).want(200, "")
		time.Sleep(time.Minute)
		s.refund("ORDER0001", "R2", 1280).want(200, "")
		time.Sleep(time.Minute)
		s.wantRefund("R1", "CLOSED")
		s.wantRefund("R2", "SUCCESS")
		s.refund("ORDER0001", "R3", 1).want(400, "INVALID_REQUEST")
	})
}

func TestRefundThatStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.pay(s.prepay("ORDER0001"))
		s.sim.SetFaults(Faults{RefundOutcome: RefundFaults{Stay: 1}})
		s.refund("ORDER0001", "R1", 80).want(200, "")
		time.Sleep(30 * 24 * time.Hour)
		s.now = time.Now
		s.wantRefund("R1", "PROCESSING")
		got, err := s.sim.FinishRefund("R1", RefundAbnormal)
		if err != nil || got.State != RefundAbnormal || !got.EndedAt.Equal(time.Now()) {
			t.Errorf("finished %+v: %v", got, err)
		}
		synctest.Wait()
		if n := len(s.inbox.all()); n != 2 {
			t.Errorf("%d callbacks, want one of the payment and one of the refund", n)
		}
		for _, c := range []struct {
			number string
			end    RefundState
			want   error
		}{{"R1", RefundSucceeded, ErrRefundEnded}, {"R2", RefundSucceeded, ErrUnknownRefund},
			{"R1", RefundProcessing, ErrRefundState}, {"R1", "", ErrRefundState}} {
			if _, err := s.sim.FinishRefund(c.number, c.end); !errors.Is(err, c.want) {
				t.Errorf("finish %s as %q: %v, want %v", c.number, c.end, err, c.want)
			}
		}
	})
}

// A refund that is ended by hand is not ended a second time by its timer.
func TestRefundFinishedEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.pay(s.prepay("ORDER0001"))
		s.refund("ORDER0001", "R1", 80).want(200, "")
		if _, err := s.sim.FinishRefund("R1", RefundClosed); err != nil {
			t.Fatal(err)
		}
		balance := s.sim.Balance()
		time.Sleep(time.Hour)
		s.wantRefund("R1", "CLOSED")
		if n := len(s.inbox.all()); n != 2 || s.sim.Balance() != balance {
			t.Errorf("%d callbacks, balance %d after %d", n, s.sim.Balance(), balance)
		}
	})
}

func TestRefundWithoutNotifyURL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.pay(s.prepay("ORDER0001"))
		s.send("POST", refundPath, `{"out_trade_no":"ORDER0001","out_refund_no":"R1",`+
			`"amount":{"refund":80,"total":1280,"currency":"CNY"}}`).want(200, "")
		time.Sleep(48 * time.Hour)
		got := s.sim.Refunds()[0]
		if got.State != RefundSucceeded || len(got.Callbacks) != 0 || len(s.inbox.all()) != 1 {
			t.Errorf("refund %+v", got)
		}
	})
}

// The callbacks of refunds go the way of all callbacks: the schedule, and the faults.
func TestRefundCallbackSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.pay(s.prepay("ORDER0001"))
		synctest.Wait()
		s.inbox.answer = refuseAll
		start := time.Now()
		s.refund("ORDER0001", "R1", 80).want(200, "")
		time.Sleep(72 * time.Hour)
		got := s.inbox.offsets(start)[1:]
		if len(got) != 16 || got[0] != 2*time.Second || got[1] != 17*time.Second ||
			got[15] != 1444*time.Minute+2*time.Second {
			t.Errorf("sent at %v", got)
		}
	})
}

func TestRefundCallbackFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set    CallbackFaults
		sends  int
		refund float64 // fen that the first says
		ours   bool    // whether it names this merchant
	}{
		"double":         {CallbackFaults{Double: 1}, 2, 80, true},
		"parallel":       {CallbackFaults{Parallel: 1}, 3, 80, true},
		"wrong_amount":   {CallbackFaults{WrongAmount: 1}, 1, 81, true},
		"other_merchant": {CallbackFaults{OtherMerchant: 1}, 1, 80, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t)
			s.pay(s.prepay("ORDER0001"))
			synctest.Wait()
			s.sim.SetFaults(Faults{Callback: c.set})
			s.refund("ORDER0001", "R1", 80).want(200, "")
			time.Sleep(2 * time.Second)
			synctest.Wait()
			sends := s.inbox.all()[1:]
			if len(sends) != c.sends || len(s.sim.Refunds()[0].Callbacks) != c.sends {
				t.Errorf("%s: %d sends", name, len(sends))
			}
			_, inner, err := s.open(sends[0])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			refund := inner["amount"].(map[string]any)["refund"]
			if ours := inner["mchid"] == s.merchant.MchID; refund != c.refund || ours != c.ours {
				t.Errorf("%s: content %v", name, inner)
			}
		})
	}
}

func TestRefundAfterClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.pay(s.prepay("ORDER0001"))
		s.pay(s.prepay("ORDER0002"))
		synctest.Wait()
		s.refund("ORDER0001", "R1", 80).want(200, "")
		if err := s.sim.Close(); err != nil {
			t.Error(err)
		}
		s.refund("ORDER0002", "R2", 80).want(200, "") // still answered, but nothing goes on
		time.Sleep(time.Hour)
		s.wantRefundIn("R1", RefundProcessing)
		s.wantRefundIn("R2", RefundProcessing)
		if n := len(s.inbox.all()); n != 2 {
			t.Errorf("%d callbacks", n)
		}
	})
}

func (s *shop) wantRefundIn(number string, state RefundState) {
	s.t.Helper()
	for _, r := range s.sim.Refunds() {
		if r.OutRefundNo == number && r.State == state {
			return
		}
	}
	s.t.Errorf("no refund %s in %s: %+v", number, state, s.sim.Refunds())
}

func TestRefundsAreASnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.pay(s.prepay("ORDER0001"))
		s.pay(s.prepay("ORDER0002"))
		s.refund("ORDER0001", "R1", 80).want(200, "")
		s.refund("ORDER0002", "R2", 80).want(200, "")
		before := s.sim.Refunds()
		time.Sleep(time.Minute)
		if len(before) != 2 || before[0].OutRefundNo != "R2" || before[0].State != RefundProcessing {
			t.Errorf("refunds are not newest first, or changed: %+v", before)
		}
		if list := s.sim.newestRefunds(1); len(list) != 1 || list[0].OutRefundNo != "R2" {
			t.Errorf("the newest is %+v", list)
		}
	})
}

// Every call about refunds, struck by faults: what is answered, and whether the work was done.
func TestRefundCallFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set    CallFaults
		status int
		code   string
		done   int
	}{
		"too_many":     {CallFaults{TooMany: 1}, 429, "FREQUENCY_LIMITED", 0},
		"unavailable":  {CallFaults{Unavailable: 1}, 503, "SERVICE_UNAVAILABLE", 0},
		"bad_gateway":  {CallFaults{BadGateway: 1}, 502, "SERVICE_UNAVAILABLE", 0},
		"error_before": {CallFaults{ErrorBefore: 1}, 500, "SYSTEM_ERROR", 0},
		"error_after":  {CallFaults{ErrorAfter: 1}, 500, "SYSTEM_ERROR", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.pay(s.prepay("ORDER0001"))
			s.sim.SetFaults(Faults{Refund: c.set, QueryRefund: c.set})
			s.refund("ORDER0001", "R1", 80).want(c.status, c.code)
			if n := len(s.sim.Refunds()); n != c.done {
				t.Errorf("%d refunds, want %d", n, c.done)
			}
			s.send("GET", refundPath+"/R1", "").want(c.status, c.code)
			s.refund("ORDER0001", "R1", 80).want(200, "")
			s.wantRefund("R1", "PROCESSING")
		})
	}
}

func TestRefundRefusedOnPurpose(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pay(s.prepay("ORDER0001"))
	s.sim.SetFaults(Faults{RefundOutcome: RefundFaults{NotEnough: 2, AccountAbnormal: 1}})
	s.refund("ORDER0002", "R1", 80).want(404, "RESOURCE_NOT_EXISTS") // a wrong request does not use up a fault
	for range 2 {
		s.refund("ORDER0001", "R1", 80).want(403, "NOT_ENOUGH")
	}
	s.wantState("ORDER0001", "SUCCESS")
	s.refund("ORDER0001", "R1", 80).want(403, "USER_ACCOUNT_ABNORMAL")
	s.refund("ORDER0001", "R1", 80).want(200, "")
}
