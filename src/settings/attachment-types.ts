/** Programs and what runs as one, links, and images of disks: what large providers refuse. */
export const usualAttachmentTypes: readonly string[] = [
  ...['ade', 'adp', 'apk', 'application', 'appref-ms', 'appx', 'appxbundle', 'bat', 'cab'],
  ...['chm', 'cmd', 'com', 'cpl', 'diagcab', 'diagcfg', 'diagpkg', 'dll', 'dmg', 'exe'],
  ...['gadget', 'hta', 'img', 'ins', 'iso', 'isp', 'jar', 'jnlp', 'js', 'jse', 'lib'],
  ...['library-ms', 'lnk', 'mde', 'mjs', 'msc', 'msi', 'msix', 'msixbundle', 'msp', 'mst'],
  ...['nsh', 'ocx', 'pif', 'ps1', 'ps1xml', 'reg', 'scf', 'scr', 'sct', 'search-ms'],
  ...['settingcontent-ms', 'shb', 'sys', 'url', 'vb', 'vbe', 'vbs', 'vhd', 'vhdx', 'vxd', 'ws'],
  ...['wsc', 'wsf', 'wsh', 'xbap', 'xll'],
];
