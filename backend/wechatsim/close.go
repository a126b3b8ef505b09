package wechatsim

import (
	"net/http"
	"time"
)

// youngAge is the age in which an order may refuse to be closed. APIv2 and combined orders have this rule; the page of
// v3 single orders is silent, so a client must bear both.
const youngAge = 5 * time.Minute

// closeOrder closes an unpaid order: 204, also when it was closed before.
func (s *Server) closeOrder(c call) (result, error) {
	var q payee
	if _, err := decode(c.body, payeeFields(c.partner(), false), &q); err != nil {
		return nil, err
	}
	if err := s.checkPayee(c, q, "body"); err != nil {
		return nil, err
	}
	number := c.PathValue("no")
	if c.customerPays {
		s.customerPays(c.Context(), number)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.book.find(number, c.now)
	switch {
	case t == nil || t.SubMchID != q.SubMchID:
		return nil, orderNotExist()
	case t.paid():
		return nil, &refusal{status: http.StatusForbidden, number: numberPaid, Code: "TRADE_ERROR",
			Message: "订单已支付，不能关闭"}
	case t.State == StateNotPaid && c.now.Before(t.CreatedAt.Add(youngAge)) && take(&s.faults.RefuseYoungClose):
		return nil, &refusal{status: http.StatusForbidden, number: numberNotPublished, Code: "RULE_LIMIT",
			Message: "订单生成后不能马上关闭，请在5分钟后再试"}
	}
	t.State = StateClosed
	return nil, nil
}
