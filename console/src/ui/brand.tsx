/** Drawn in the colour of the text around it; the name stands beside it. */
export function Brand() {
  return (
    <svg className="console-brand" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        fill="none"
        stroke="currentColor"
        strokeWidth="2.4"
        strokeLinejoin="round"
        d="M4 28V11h6v3h3.500v-3h5v3H22v-3h6v17zM12 28v-5a4 4 0 0 1 8 0v5M4 7.500V4h6v3.500M22 7.500V4h6v3.500"
      />
    </svg>
  );
}
