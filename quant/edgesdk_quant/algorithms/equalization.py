import os
import numpy as np
from edgesdk_quant.algorithms.channel_groups import channel_groups
from edgesdk_quant.graph import constant, new_initializer
from edgesdk_quant.operators import attribute
ALPHA=float(os.environ.get('ALPHA','.5')); ALPHA_DW=float(os.environ.get('ALPHA_DW','1')); MARGIN=float(os.environ.get('MARGIN','0')); LIM=float(os.environ.get('LIM','32'))
def observed(model, quantized):
    return sorted({str(v.name) for g in channel_groups(model.graph) for v in g.values if str(v.name) in quantized})
def _groups(e): return int(attribute(e.node,'group',1)) if e.node.op_type=='Conv' else 1
def equalize(model, ranges):
    n=0
    for g in channel_groups(model.graph):
        rs=[np.maximum(ranges[str(v.name)].high,-ranges[str(v.name)].low).astype(np.float64) for v in g.values if str(v.name) in ranges]
        if not rs: continue
        r=np.max([x/max(x.max(),1e-30) for x in rs],axis=0)
        top=max(x.max() for x in rs)
        sat=np.zeros(g.channels,bool)
        for c in g.clips:
            for x in rs: sat|= x>=c*0.999
        dw=all(_groups(e)==g.channels and g.channels>1 for e in g.readers)
        r1=np.maximum(r,1e-12)
        if dw: s=r1**ALPHA_DW
        else:
            r2=np.zeros(g.channels)
            for e in g.readers:
                if _groups(e)>1: continue
                w=np.moveaxis(np.asarray(constant(e.weight),np.float64),e.axis,0); w=np.abs(w).reshape(w.shape[0],w.shape[1],-1).max(2)
                r2=np.maximum(r2,(w/np.maximum(w.max(1,keepdims=True),1e-30)).max(0))
            mode=os.environ.get('R2','1')
            s=(r1**ALPHA)*(np.maximum(r2,1e-3)**-(1-ALPHA) if mode=='1' else 1)
            s=s/(s/r1).min()  # new activation max r1/s <=1 with equality
            s=s/ (s.max() if False else 1)
        if g.clips and MARGIN==0: continue
        r6=np.max(rs,axis=0)/min(g.clips) if g.clips else 0
        s=np.maximum(s,r6*MARGIN) if g.clips else s
        s=np.minimum(s,1) if g.clips else s
        s=np.maximum(s,1/LIM)
        s[r<=0]=1; s[sat]=1
        apply(model,g,s); n+=1
    return n
def setw(model,node,i,a):
    v=node.inputs[i]; node.replace_input_with(i,new_initializer(model.graph,str(v.name)+'_equalized',a.astype(np.float32)))
def apply(model,g,s):
    for e in g.writers:
        node=e.node; w=np.asarray(constant(node.inputs[1]),np.float64); sh=[1]*w.ndim; sh[e.axis]=-1
        setw(model,node,1,w/s.reshape(sh))
        if len(node.inputs)>2 and node.inputs[2] is not None: setw(model,node,2,np.asarray(constant(node.inputs[2]),np.float64)/s)
    for e in g.readers:
        node=e.node; w=np.asarray(constant(node.inputs[1]),np.float64)
        if node.op_type=='Gemm':
            sh=[1]*2; sh[1-e.axis]=-1; setw(model,node,1,w*s.reshape(sh))
        else:
            gr=_groups(e); per=w.shape[0]//gr; 
            f=np.repeat(s.reshape(gr,-1),per,axis=0)  # [Cout, Cin/g]
            setw(model,node,1,w*f.reshape(f.shape+(1,)*(w.ndim-2)))
