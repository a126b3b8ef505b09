// Types of Saoma's loader, for shops that write TypeScript. Put this file among your sources, or name it:
// /// <reference path="saoma.d.ts" />
//
// Everything here runs in the customer's browser and is for the screen. Ship goods on the word of Saoma's server to
// yours only: a signed webhook, or the order read with the secret key.

export {};

declare global {
  /** What the script tag makes: `<script async src="https://pay.example/v1/saoma.js" data-key="pk_…"></script>`. */
  // eslint-disable-next-line no-var
  var Saoma: SaomaLoader;

  interface SaomaLoader {
    readonly version: string;

    /**
     * Opens a modal, or fills the container it is given. It promises the checkout once the customer sees it. The
     * promise is refused with a SaomaError when that fails, when the customer closes before, or when the time is over;
     * then nothing is left in the page.
     */
    checkout(options: SaomaOptions): Promise<SaomaCheckoutElement>;

    /**
     * Loads ahead what the first checkout needs. A button with `data-saoma-items` or `data-saoma-order` does so by itself
     * when the pointer or the focus comes to it. It does nothing for a customer who wants to save data.
     */
    preload(): void;

    readonly SaomaError: new (code: string, message?: string) => SaomaError;
  }

  /** Either `items`, priced by the server from the catalogue, or `order`, made by the shop's server. */
  type SaomaOptions = SaomaSettings & ({ items: SaomaItems } | { order: string });

  interface SaomaSettings {
    /** Where the checkout stands in the page. Without it, the checkout is a modal. */
    container?: Element | null;
    /** Milliseconds until the promise is refused; 30,000 by default. */
    timeout?: number;
    /** The merchant's publishable key; by default the `data-key` of the script tag. */
    key?: string;
    /** The token of an order that the shop's server made. */
    order?: string;
    items?: SaomaItems;
    mode?: SaomaMode;
    theme?: SaomaTheme;
    /** A language tag; by default the one of the page around, then the browser's. zh-CN, zh-TW, en, ja and ko are spoken. */
    lang?: string;
    /**
     * Where the customer goes some seconds after paying; by default the `return_url` of the order. `{ORDER_ID}` in it
     * becomes the order's id. Who left for WeChat to pay on the same phone comes back to it too, and without one to the
     * page that the checkout stands in, if their origin is one of the merchant's.
     */
    returnUrl?: string;
    /** The shop's own name for the order, at most 64 characters. */
    reference?: string;
    /** A tone and a spoken amount when it is paid. */
    sound?: boolean;
    /** Seconds from the end until a kiosk goes back to its start; 8 by default. */
    backAfter?: number;
  }

  /** `"latte:2,cake"`, or the same as a list. A missing quantity is one. */
  type SaomaItems = string | ReadonlyArray<{ sku: string; quantity?: number }>;

  /**
   * - `inline`: in the place where the element stands; the default of the element.
   * - `modal`: above the page, after `open()`; the default of `Saoma.checkout` and of buttons.
   * - `kiosk`: over the whole screen, for counters. An element with `items` begins again with a new order after each
   *   customer; one with `order`, or one that Saoma made, takes itself out of the page.
   */
  type SaomaMode = 'inline' | 'modal' | 'kiosk';

  /** `auto`, the default, is dark where the page writes in a light colour. */
  type SaomaTheme = 'auto' | 'light' | 'dark';

  /** `loading` until the order is shown, `failed` when it cannot be; otherwise the status of the order. */
  type SaomaState = 'loading' | 'failed' | SaomaStatus;

  type SaomaStatus = 'created' | 'pending' | 'paid' | 'expired' | 'cancelled' | 'refunded';

  interface SaomaDetail<State extends SaomaState = SaomaState> {
    /** Empty until there is an order. */
    orderId: string;
    status: State;
    /** Fen: hundredths of a yuan, an integer. */
    amount: number;
    currency: 'CNY';
  }

  /** The state in which an order ended. */
  type SaomaResult = SaomaDetail<'paid' | 'expired' | 'cancelled' | 'refunded'>;

  interface SaomaFailure extends SaomaDetail<'failed'> {
    error: SaomaError;
  }

  /** Why there is no checkout. */
  interface SaomaError extends Error {
    /**
     * - `unreachable`: the server was not reached, or what answered was not it
     * - `timeout`: it did not answer in time
     * - `frame`: the checkout page does not load, or a policy or a blocker stops it
     * - `closed`: the customer closed the modal before it showed the order
     * - and every `code` of the HTTP API's problems: `invalid_request`, `unauthorized`, `origin_not_allowed`, …
     */
    code: 'unreachable' | 'timeout' | 'frame' | 'closed' | (string & {});

    /** What the customer can be told of it, in the language of the page: with `out_of_stock`, `too_many_requests` and `overloaded`. */
    note?: string;

    /** Seconds until it is worth another try, with `too_many_requests` and `overloaded`. The element tries again by itself then. */
    retryAfter?: string | null;
  }

  /**
   * The events of a checkout. They bubble, also out of shadow trees. `preventDefault()` keeps away what is said to follow.
   */
  interface SaomaEventMap {
    /** The order is on the screen, for the first time. */
    ready: CustomEvent<SaomaDetail>;
    /**
     * Paid. After 4 seconds the customer goes to `returnUrl`, or the modal closes; a kiosk goes back to its start after
     * `backAfter` seconds.
     */
    paid: CustomEvent<SaomaDetail<'paid'>>;
    /** The time is over. It comes again if the customer asked for a new code and that one expired too. */
    expired: CustomEvent<SaomaDetail<'expired'>>;
    /** There is a new code for the same order. */
    renewed: CustomEvent<SaomaDetail>;
    /** The customer gave up, or the shop did. A kiosk goes back to its start. */
    cancelled: CustomEvent<SaomaDetail<'cancelled'>>;
    /** There is no checkout. The element says so and offers another try, or a link to the checkout's own page. */
    failed: CustomEvent<SaomaFailure>;
    /** The server is not heard. What happens meanwhile is filled in when it is. */
    offline: CustomEvent<SaomaDetail>;
    online: CustomEvent<SaomaDetail>;
    /** The customer is on a phone, and the merchant has no way to be paid there: the code needs a second device. */
    needchannel: CustomEvent<SaomaDetail>;
    /** A modal or a kiosk is about to close. */
    close: CustomEvent<SaomaDetail>;
  }

  /**
   * `<saoma-checkout>`. Its attributes are properties too; changing `key`, `order`, `items`, `reference` or `return-url`
   * begins another order.
   */
  interface SaomaCheckoutElement extends HTMLElement {
    get items(): string | null;
    set items(value: SaomaItems | null | undefined);
    get order(): string | null;
    set order(value: string | null | undefined);
    get key(): string | null;
    set key(value: string | null | undefined);
    get mode(): SaomaMode | null;
    set mode(value: SaomaMode | null | undefined);
    get theme(): SaomaTheme | null;
    set theme(value: SaomaTheme | null | undefined);
    get returnUrl(): string | null;
    set returnUrl(value: string | null | undefined);
    get reference(): string | null;
    set reference(value: string | null | undefined);
    /** Present or not, like `hidden`: whatever text the attribute has, there is sound. */
    get sound(): string | null;
    set sound(value: boolean | string | null | undefined);
    get backAfter(): string | null;
    set backAfter(value: number | string | null | undefined);

    readonly state: SaomaState;
    /** The state in which the order ends. After `renewed`, and for money that came late, it is another promise. */
    readonly result: Promise<SaomaResult>;

    /** Shows the modal. */
    open(): void;
    /** Closes the modal, or ends a kiosk's turn. The order stays as it is and can be opened again. */
    close(): void;
    /** Asks for a new code, after the old one expired. `renewed` follows. */
    renew(): void;
    /** Gives the order up. `cancelled` follows, unless it was paid a moment ago. */
    cancel(): void;
    /** Takes the element out of the page and ends all it does. The order stays as it is. */
    destroy(): void;

    addEventListener<Name extends keyof SaomaEventMap>(
      type: Name,
      listener: (this: SaomaCheckoutElement, event: SaomaEventMap[Name]) => unknown,
      options?: boolean | AddEventListenerOptions,
    ): void;
    addEventListener(
      type: string,
      listener: EventListenerOrEventListenerObject,
      options?: boolean | AddEventListenerOptions,
    ): void;
    removeEventListener<Name extends keyof SaomaEventMap>(
      type: Name,
      listener: (this: SaomaCheckoutElement, event: SaomaEventMap[Name]) => unknown,
      options?: boolean | EventListenerOptions,
    ): void;
    removeEventListener(
      type: string,
      listener: EventListenerOrEventListenerObject,
      options?: boolean | EventListenerOptions,
    ): void;
  }

  interface HTMLElementTagNameMap {
    'saoma-checkout': SaomaCheckoutElement;
  }

  /** The attributes in markup, for frameworks: `declare module 'react' { namespace JSX { interface IntrinsicElements … } }`. */
  interface SaomaAttributes {
    key?: string;
    order?: string;
    items?: string;
    mode?: SaomaMode;
    theme?: SaomaTheme;
    lang?: string;
    'return-url'?: string;
    reference?: string;
    sound?: boolean | '';
    'back-after'?: number | string;
  }

  namespace JSX {
    interface IntrinsicElements {
      'saoma-checkout': SaomaAttributes & { [attribute: string]: unknown };
    }
  }
}
