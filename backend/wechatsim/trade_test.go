package wechatsim

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func wantUnpayable(t *testing.T, s *shop, codeURL, payer string, want *PayError) {
	t.Helper()
	var typed *PayError
	if _, err := s.sim.Pay(codeURL, payer); !errors.Is(err, want) || !errors.As(err, &typed) {
		t.Errorf("pay: %v, want %v", err, want)
	}
	if _, err := s.sim.Scan(codeURL, payer); !errors.Is(err, want) {
		t.Errorf("scan: %v, want %v", err, want)
	}
}

func TestPay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	trade := s.pay(s.prepay("ORDER0001"))
	if trade.State != StatePaid || trade.Payer != DefaultPayer || trade.ScannedBy != DefaultPayer ||
		trade.PaidAt.IsZero() || trade.Total != 1280 {
		t.Errorf("paid trade %+v", trade)
	}
	wantUnpayable(t, s, trade.CodeURL, "", ErrAlreadyPaid)
	s.wantState("ORDER0001", "SUCCESS")
}

func TestPayWithAnUnknownCode(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	wantUnpayable(t, s, "", "", ErrUnknownCode)
	wantUnpayable(t, s, "weixin://wxpay/bizpayurl?pr=000000000", "", ErrUnknownCode)
}

func TestCodeDiesAfterTwoHours(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	code := s.prepay("ORDER0001")
	clock.advance(2*time.Hour - time.Second)
	if _, err := s.sim.Scan(code, ""); err != nil {
		t.Errorf("a code of almost two hours: %v", err)
	}
	clock.advance(time.Second)
	wantUnpayable(t, s, code, "", ErrDeadCode)
	s.wantState("ORDER0001", "NOTPAY")
	s.pay(s.prepay("ORDER0001")) // the way out: a new code for the same order
}

func TestTooLateToPay(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	body := s.order("ORDER0001", `,"time_expire":"2026-01-02T12:15:00+08:00"`)
	code := s.codeURL(s.send("POST", nativePath, body))
	clock.advance(15*time.Minute + time.Second)
	wantUnpayable(t, s, code, "", ErrTooLate)
	if ErrTooLate.Message != "订单已超过商户设置的最晚支付成功时间，请重新发起支付" {
		t.Errorf("message %q", ErrTooLate.Message)
	}
	s.wantState("ORDER0001", "NOTPAY")
	s.close("ORDER0001").want(204, "")
}

func TestPayableToTheLastMoment(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	code := s.codeURL(s.send("POST", nativePath, s.order("ORDER0001", `,"time_expire":"2026-01-02T12:15:00+08:00"`)))
	clock.advance(15 * time.Minute)
	s.pay(code)
}

func TestFirstScannerOwnsTheOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	code := s.prepay("ORDER0001")
	if _, err := s.sim.Scan(code, "小红"); err != nil {
		t.Fatal(err)
	}
	wantUnpayable(t, s, code, "小明", ErrOtherPayer)
	renewed := s.prepay("ORDER0001")
	wantUnpayable(t, s, renewed, "小明", ErrOtherPayer) // the order is bound, not the code
	if trade, err := s.sim.Pay(renewed, "小红"); err != nil || trade.Payer != "小红" {
		t.Errorf("the first scanner pays: %+v, %v", trade, err)
	}
}

func TestUnpaidOrderIsClosedAfterAWeek(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	s, clock := newShopAtNoon(t)
	s.prepay("ORDER0001")
	s.codeURL(s.send("POST", nativePath, s.order("ORDER0002", `,"time_expire":"2026-01-12T12:00:00+08:00"`)))
	s.pay(s.prepay("ORDER0003"))
	clock.advance(7 * day)
	s.wantState("ORDER0001", "NOTPAY")
	clock.advance(time.Second)
	s.wantState("ORDER0001", "CLOSED")
	s.wantState("ORDER0002", "NOTPAY") // payable for ten days
	clock.advance(3 * day)
	if got := s.sim.Trades()[1]; got.OutTradeNo != "ORDER0002" || got.State != StateClosed {
		t.Errorf("trade %+v, want it closed", got)
	}
	s.wantState("ORDER0003", "SUCCESS")
}

func TestOpenIDs(t *testing.T) {
	t.Parallel()
	ming := openID("wx1", "小明")
	if ming != openID("wx1", "小明") || ming == openID("wx1", "小红") || ming == openID("wx2", "小明") {
		t.Error("an openid belongs to one account under one appid")
	}
}

func TestTradesAreASnapshot(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.prepay("ORDER0001")
	code := s.prepay("ORDER0002")
	before := s.sim.Trades()
	s.pay(code)
	if before[0].OutTradeNo != "ORDER0002" || before[1].OutTradeNo != "ORDER0001" {
		t.Errorf("trades are not newest first: %+v", before)
	}
	if before[0].State != StateNotPaid || s.sim.Trades()[0].State != StatePaid {
		t.Error("a snapshot changed")
	}
}

// By a fault, money arrives after the shop's own expiry: the customer had begun before it.
func TestPayLate(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	order := func(number string) string {
		return s.codeURL(s.send("POST", nativePath, s.order(number, `,"time_expire":"2026-01-02T12:15:00+08:00"`)))
	}
	first, second, closed, bound := order("ORDER0001"), order("ORDER0002"), order("ORDER0003"), order("ORDER0004")
	if _, err := s.sim.Scan(bound, "小红"); err != nil {
		t.Fatal(err)
	}
	s.sim.SetFaults(Faults{PayLate: 2})
	clock.advance(time.Hour)
	s.close("ORDER0003").want(204, "")
	wantUnpayable(t, s, closed, "", ErrOrderClosed) // what the shop closed stays closed
	if _, err := s.sim.Pay(bound, "小明"); !errors.Is(err, ErrOtherPayer) {
		t.Errorf("another's order: %v", err)
	}
	if _, err := s.sim.Scan(first, ""); !errors.Is(err, ErrTooLate) {
		t.Errorf("scan: %v, want %v: who begins now is too late", err, ErrTooLate)
	}
	if trade := s.pay(first); !trade.PaidAt.Equal(s.now()) || trade.ScannedBy != DefaultPayer {
		t.Errorf("trade %+v", trade)
	}
	s.wantState("ORDER0001", "SUCCESS")
	wantUnpayable(t, s, second, "", ErrTooLate) // both strikes are used up
	s.sim.SetFaults(Faults{PayLate: 1})
	clock.advance(time.Hour)
	wantUnpayable(t, s, second, "", ErrDeadCode) // a dead code is another matter
}

// By a fault, the customer pays while the shop closes an order whose time is over.
func TestPayLateDuringClose(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	s.codeURL(s.send("POST", nativePath, s.order("ORDER0001", `,"time_expire":"2026-01-02T12:15:00+08:00"`)))
	clock.advance(time.Hour)
	s.sim.SetFaults(Faults{PayLate: 1, Close: CallFaults{CustomerPays: 1}})
	s.close("ORDER0001").want(403, "TRADE_ERROR")
	s.wantState("ORDER0001", "SUCCESS")
}

// One customer, two numbers for the same goods: WeChat Pay takes both, and tells of both.
func TestPaidTwiceOnTwoNumbers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		first, second := s.prepay("ORDER0001"), s.prepay("ORDER0002")
		if a, b := s.pay(first), s.pay(second); a.TransactionID == b.TransactionID || a.Payer != b.Payer {
			t.Errorf("paid %+v and %+v", a, b)
		}
		synctest.Wait()
		if n := len(s.inbox.all()); n != 2 {
			t.Errorf("%d callbacks", n)
		}
		s.refund("ORDER0002", "R1", 1280).want(200, "")
		s.wantState("ORDER0001", "SUCCESS")
		s.wantState("ORDER0002", "REFUND")
	})
}
