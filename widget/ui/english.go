package ui

var english = texts{
	Tag:       "en",
	Title:     "WeChat Pay %s · %s",
	TitlePaid: "Paid %s · %s",
	Yuan:      "CN¥",

	What:  ", ",
	More:  "and %d more",
	Count: "%s ×%d",

	Asking:    "Asking WeChat Pay for the code…",
	Scan:      "Scan with WeChat",
	How:       "In WeChat, tap “+” at the top right, choose Scan and point at the code",
	CodeName:  "WeChat Pay QR code, %s, to %s",
	CodeReady: "The code is ready. Scan it with WeChat.",
	Left:      "Time left to pay",
	Minutes:   "%d minutes left",
	Minute:    "1 minute left",
	Seconds:   "%d seconds left",
	Checking:  "Checking the result…",

	SecondScan: "Scan with another phone",
	SecondHow:  "You can’t pay on this phone, not even from a screenshot. Open Scan in WeChat on another.",
	Enlarge:    "Enlarge", Bright: "Turn the brightness all the way up, then scan with another phone", Restore: "Back",

	Here: "Pay with WeChat", H5How: "WeChat opens on this phone. When you have paid you come back here.",
	JSAPIHow: "Check the amount in WeChat and confirm.", HereFailed: "WeChat could not be opened. Try again, or scan with another phone.",
	Gone: "Finish paying in WeChat", GoneHow: "Have you paid? The result appears here by itself, or tap “I have paid”.",
	Open: "Open WeChat Pay", OpenAgain: "Open WeChat again", Opening: "Opening WeChat Pay…", Elsewhere: "Scan with another phone",

	Lost: "Connection lost. If you have paid, the result will be filled in by itself.", Heard: "Last checked",
	Slow: "No answer from WeChat Pay yet. We keep asking.", Retry: "Retry",

	HavePaid: "I have paid", AskingNow: "Asking WeChat Pay…",
	NotPaid: "No payment found yet. Once you have paid it appears here; please don’t pay twice.",
	Help:    "Trouble?", HelpHow: "Does WeChat say that someone else scanned it, or that the order is wrong or no longer valid? " +
		"Get a new code; the old one will stop working.",
	Renew: "Get a new code", Renewing: "Getting a new code…", RenewFailed: "No new code just now. Please try again.",
	SoldOut: "Part of this order is out of stock.", TooMany: "Many requests just now. One moment, please.",
	Missing: "Order not found", MissingHow: "The link may be incomplete or out of date. Please go back to the shop.",
	Unopened: "Not available just now", UnopenedHow: "Please try again. If you have paid already, don’t pay again.",
	OpensItself: "This page will open by itself.",

	Cancel: "Cancel", Sure: "Cancel this payment?", SureYes: "Yes, cancel", SureNo: "Keep paying",
	Cancelling: "Cancelling…", CancelFailed: "We could not cancel just now. Please try again.",

	Paid: "Payment successful", Late: "Your payment arrived after the order had ended. The shop has received it.",
	PaidAt: "Paid at", Zone: " (Beijing)", Reference: "Shop reference", OrderID: "Order", PartRefunded: "Refunded",
	Expired:    "The code has expired",
	ExpiredHow: "Get a new one to go on. If you have paid already, don’t pay again: the result will appear here.",
	Cancelled:  "Order cancelled", CancelledHow: "Nothing more will be taken. If you have paid, the result will appear here.",
	Refunded: "Refunded", RefundedHow: "The money goes back the way it came. WeChat will tell you when it arrives.",
	Return: "Back to the shop", Done: "Done", Print: "Print receipt", NoInvoice: "For your records. Not a tax invoice (fapiao).",
	By:     "Paid through WeChat Pay",
	Speech: "WeChat Pay: %s yuan received",
}
